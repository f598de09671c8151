// The blocking client, and the binary form of every type it knows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "pg/conninfo.hpp"
#include "tests/support/postgres.hpp"

using namespace std::chrono_literals;
using cascade::errc;
using cascade::test::must;
using cascade::test::value_of;
using testing::HasSubstr;
using testing::Not;
namespace pg = cascade::pg;

namespace {

struct connection : testing::Test {
  pg::connection c = must(pg::connection::connect(cascade::test::server_conninfo()));

  // What the server understood, as its own text.
  std::string said(const std::string& sql, const pg::params& p) { return value_of(c, sql, p); }
};

}  // namespace

TEST_F(connection, the_server_understands_every_binary_parameter) {
  using us = std::chrono::microseconds;
  must(c.exec_text("set timezone = 'UTC'"));
  EXPECT_EQ(said("select $1", pg::params{}.int2(-7)), "-7");
  EXPECT_EQ(said("select $1", pg::params{}.int4(std::numeric_limits<int>::min())), "-2147483648");
  EXPECT_EQ(said("select $1", pg::params{}.int8(std::numeric_limits<std::int64_t>::max())),
            "9223372036854775807");
  EXPECT_EQ(said("select $1", pg::params{}.boolean(true)), "t");
  EXPECT_EQ(said("select $1", pg::params{}.float8(-1.5)), "-1.5");
  EXPECT_EQ(said("select $1", pg::params{}.text("t\xC3\xB6n 'n\"")), "t\xC3\xB6n 'n\"");
  EXPECT_EQ(said("select $1", pg::params{}.text("")), "");
  EXPECT_EQ(said("select $1", pg::params{}.jsonb(R"({"b": 1, "a": [null]})")),
            R"({"a": [null], "b": 1})");
  EXPECT_EQ(said("select $1", pg::params{}.timestamptz(us{1})), "1970-01-01 00:00:00.000001+00");
  EXPECT_EQ(said("select $1::int", pg::params{}.null()), "(null)");
  EXPECT_EQ(said("select $1", pg::params{}.text(std::nullopt)), "(null)");
  EXPECT_EQ(said("select pg_typeof($1)::text", pg::params{}.jsonb(std::nullopt)), "jsonb");
}

TEST_F(connection, the_server_understands_every_array) {
  must(c.exec_text("set timezone = 'UTC'"));
  using strings = std::vector<std::optional<std::string>>;
  EXPECT_EQ(said("select $1", pg::params{}.int2s(std::vector<short>{1, -2})), "{1,-2}");
  EXPECT_EQ(said("select $1", pg::params{}.int4s(std::vector<int>{})), "{}");
  EXPECT_EQ(said("select $1", pg::params{}.int8s(std::vector<std::int64_t>{1, 1LL << 40})),
            "{1,1099511627776}");
  EXPECT_EQ(said("select $1", pg::params{}.booleans(std::vector<bool>{true, false})), "{t,f}");
  EXPECT_EQ(said("select $1", pg::params{}.texts(strings{"a", std::nullopt, "", "x,y"})),
            R"({a,NULL,"","x,y"})");
  EXPECT_EQ(said("select $1", pg::params{}.jsonbs(strings{"[1]", std::nullopt})), "{[1],NULL}");
  EXPECT_EQ(
      said("select $1", pg::params{}.timestamptzs(std::vector<std::chrono::microseconds>{0us})),
      R"({"1970-01-01 00:00:00+00"})");
  struct row {
    std::int64_t id;
  };
  EXPECT_EQ(said("select $1", pg::params{}.int8s(std::vector<row>{{3}, {4}}, &row::id)), "{3,4}");
}

TEST_F(connection, rows_give_back_what_went_in) {
  const auto r = must(
      c.exec("select $1::int2, $2::int4, $3::int8, $4::bool, $5::float8, $6::text, $7::jsonb, "
             "$8::timestamptz, null::int,"
             " array[1,2]::int8[], array['a',null]::text[], '{}'::int4[], 'infinity'::timestamptz",
             pg::params{}
                 .int2(1)
                 .int4(2)
                 .int8(3)
                 .boolean(true)
                 .float8(0.25)
                 .text("six")
                 .jsonb("[7]")
                 .timestamptz(8us)));
  EXPECT_EQ(r.int16(0, 0), 1);
  EXPECT_EQ(r.int32(0, 1), 2);
  EXPECT_EQ(r.int64(0, 2), 3);
  EXPECT_EQ(r.int64(0, 0), 1);  // wider is fine
  EXPECT_TRUE(r.boolean(0, 3));
  EXPECT_EQ(r.float8(0, 4), 0.25);
  EXPECT_EQ(r.text(0, 5), "six");
  EXPECT_EQ(r.jsonb(0, 6), "[7]");
  EXPECT_EQ(r.timestamptz(0, 7), 8us);
  EXPECT_TRUE(r.is_null(0, 8));
  EXPECT_THAT(r.int64s(0, 9), testing::ElementsAre(1, 2));
  EXPECT_THAT(r.texts(0, 10), testing::ElementsAre(std::optional<std::string>("a"), std::nullopt));
  EXPECT_TRUE(r.int64s(0, 11).empty());
  EXPECT_EQ(r.timestamptz(0, 12), std::chrono::microseconds::max());
  EXPECT_THROW((void)r.int32(0, 2), std::logic_error);
  EXPECT_THROW((void)r.int64(0, 8), std::logic_error);
  EXPECT_THROW((void)r.int64(1, 0), std::logic_error);
}

TEST_F(connection, any_result_can_be_had_as_text) {
  const auto r =
      must(c.exec_as_text("select 1 as one, '{\"a\": 2}'::jsonb as doc, null as nothing"));
  EXPECT_EQ(r.column_name(1), "doc");
  EXPECT_EQ(r.column_type(1), pg::type::jsonb);
  EXPECT_EQ(r.text(0, 0), "1");
  EXPECT_EQ(r.jsonb(0, 1), R"({"a": 2})");
  EXPECT_TRUE(r.is_null(0, 2));
}

TEST_F(connection, several_statements_run_as_one_transaction) {
  must(c.exec_text("create temp table t (n int)"));
  EXPECT_FALSE(c.exec_text("insert into t values (1); select 1 / 0"));
  const auto all = must(c.exec_text("insert into t values (2), (3); select n from t"));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].affected(), 2);
  EXPECT_EQ(all[1].size(), 2);
}

TEST_F(connection, a_refusal_carries_all_the_server_said) {
  const auto r = c.exec_text(
      "do $$ begin raise exception using errcode = 'CA001', message = 'm', detail = 'd', hint = "
      "'h',"
      " constraint = 'k'; end $$");
  ASSERT_FALSE(r);
  const auto& f = r.error();
  EXPECT_EQ(f.code, errc::database_rejected);
  EXPECT_EQ(pg::to_string(f), "m [CA001] Detail: d Hint: h");
  EXPECT_EQ(f.constraint, "k");
  EXPECT_TRUE(c.alive());
}

TEST_F(connection, a_passed_deadline_closes_it) {
  const auto r = c.exec("select pg_sleep(50)", {}, pg::deadline::in(50ms));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::deadline_exceeded);
  EXPECT_TRUE(r.error().outcome_unknown);
  EXPECT_FALSE(c.alive());
  EXPECT_EQ(c.exec("select 1").error().code, errc::database_unavailable);
}

TEST_F(connection, a_killed_backend_is_unavailable_with_the_servers_words) {
  const auto r = c.exec("select pg_terminate_backend(pg_backend_pid())");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().sqlstate, "57P01");
  EXPECT_EQ(r.error().code, errc::database_unavailable);
  EXPECT_FALSE(c.alive());
}

TEST_F(connection, large_values_go_both_ways) {
  const std::string large(8 << 20, 'x');
  EXPECT_EQ(must(c.exec("select $1::text", pg::params{}.text(large))).text(0, 0).size(),
            large.size());
}

TEST_F(connection, notifications_are_waited_for_with_a_deadline) {
  must(c.exec_text("listen connection_test"));
  EXPECT_FALSE(must(c.wait_notification(pg::deadline::in(0ms))));
  must(c.exec_text("notify connection_test, 'x'"));
  const auto n = must(c.wait_notification(pg::deadline::in(30s)));
  ASSERT_TRUE(n);
  EXPECT_EQ(n->channel, "connection_test");
  EXPECT_EQ(n->payload, "x");
  EXPECT_EQ(n->backend_pid, c.backend_pid());
}

TEST_F(connection, copy_is_refused_not_hung_on) {
  EXPECT_EQ(c.exec("copy (select 1) to stdout").error().code, errc::database_rejected);
}

TEST_F(connection, settings_role_and_notices_are_applied) {
  std::vector<std::string> notices;
  pg::connect_options o;
  o.name = "settings test";
  o.role = "pg_monitor";
  o.settings = {{"cascade.doorbell", "off"}};
  o.on_notice = [&](const pg::failure& f) { notices.push_back(f.message); };
  auto mine = must(pg::connection::connect(cascade::test::server_conninfo(), o));
  EXPECT_EQ(value_of(mine,
                     "select current_user || ' ' || current_setting('cascade.doorbell') || ' ' ||"
                     " current_setting('application_name')"),
            "pg_monitor off settings test");
  must(mine.exec_text("do $$ begin raise notice 'hello'; end $$"));
  EXPECT_THAT(notices, testing::ElementsAre("hello"));
}

TEST_F(connection, strings_are_shown_and_changed_without_their_secrets) {
  const std::string uri = "postgres://me:s3cret@example.org:5433/db?options=-c%20x.y%3Ds3cret";
  EXPECT_THAT(pg::redacted(uri), Not(HasSubstr("s3cret")));
  EXPECT_THAT(pg::redacted(uri), HasSubstr("host='example.org'"));
  EXPECT_THAT(pg::redacted("password=s3cret nonsense"), Not(HasSubstr("s3cret")));
  EXPECT_THAT(must(pg::with_setting(uri, "dbname", "it's")), HasSubstr("dbname='it\\'s'"));
  EXPECT_THAT(must(pg::with_setting(uri, "dbname", "x")), HasSubstr("password='s3cret'"));
  for (const std::string bad :
       {"password=s3cret nonsense s3cret", "host=/nonexistent password=s3cret user=u dbname=d"}) {
    const auto r = pg::connection::connect(bad);
    ASSERT_FALSE(r);
    EXPECT_THAT(pg::to_string(r.error()), Not(HasSubstr("s3cret")));
  }
}
