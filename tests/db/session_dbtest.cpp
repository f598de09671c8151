// The traffic of the pipelined session against a real server: transactions, order, buffers,
// parsing.
#include "tests/support/postgres_session.hpp"

using namespace std::chrono_literals;
using namespace cascade::test;
using cascade::errc;
using cascade::sql::query;
namespace pg = cascade::pg;

namespace {
constexpr query echo_text{"echo_text", "select $1::text"};
constexpr query echo_number{"echo_number", "select $1::bigint"};
constexpr query from_later{"from_later", "select n from later"};
constexpr query broken{"broken", "selec 1"};

struct session : session_fixture {};
}  // namespace

TEST_F(session, a_batch_is_one_transaction) {
  open();
  submit(batch(insert(1), insert(2)));
  submit(batch(insert(3), insert(1), insert(4)));
  submit(pg::statement{count_numbers});
  wait_replies(3);
  ASSERT_TRUE(replies[0]);
  EXPECT_EQ(replies[0].value()[1].affected(), 1);
  ASSERT_FALSE(replies[1]);
  EXPECT_EQ(replies[1].error().sqlstate, "23505");
  EXPECT_EQ(replies[1].error().code, errc::database_rejected);
  EXPECT_EQ(replies[1].error().statement, 1);
  EXPECT_EQ(replies[1].error().constraint, "number_pkey");
  EXPECT_FALSE(replies[1].error().outcome_unknown);
  EXPECT_EQ(replies[2].value()[0].int64(0, 0), 2);
  EXPECT_EQ(s->in_flight(), 0u);
  EXPECT_EQ(s->counters().batches, 2u);
  EXPECT_EQ(s->counters().batches_failed, 1u);
}

TEST_F(session, an_empty_batch_is_a_round_trip) {
  open();
  submit(std::vector<pg::statement>{});
  wait_replies(1);
  ASSERT_TRUE(replies[0]);
  EXPECT_TRUE(replies[0].value().empty());
}

TEST_F(session, thousands_of_batches_are_answered_in_order) {
  auto o = options();
  o.in_flight_max = 7;
  open(o);
  constexpr int total = 5'000;
  std::vector<std::int64_t> seen;
  for (int i = 0; i < total; ++i)
    s->submit(pg::statement{echo_number, pg::params{}.int8(i)}, pg::deadline::in(60s),
              [&](pg::batch_reply r) { seen.push_back(r.value()[0].int64(0, 0)); });
  EXPECT_GT(s->queued(), 0u);
  until([&] { return seen.size() == total; });
  for (int i = 0; i < total; ++i) ASSERT_EQ(seen[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(s->queued(), 0u);
  EXPECT_EQ(s->counters().prepared, 1u);
  EXPECT_EQ(s->statement_counts().at(0).second, static_cast<std::uint64_t>(total));
  EXPECT_LE(s->counters().round_trips, static_cast<std::uint64_t>(total));
}

TEST_F(session, full_buffers_on_both_sides_do_not_stop_it) {
  open();
  const std::string large(3 << 20, 'x');
  for (int i = 0; i < 24; ++i) submit(pg::statement{echo_text, pg::params{}.text(large)});
  wait_replies(24);
  for (auto& r : replies) EXPECT_EQ(r.value()[0].text(0, 0).size(), large.size());
}

TEST_F(session, a_failing_batch_does_not_spoil_the_parsing_of_what_it_contained) {
  open();
  submit(batch(insert(1)));
  submit(batch(insert(1), pg::statement{echo_text, pg::params{}.text("never")}));
  submit(pg::statement{echo_text, pg::params{}.text("still")});
  wait_replies(3);
  EXPECT_FALSE(replies[1]);
  ASSERT_TRUE(replies[2]);
  EXPECT_EQ(replies[2].value()[0].text(0, 0), "still");
}

TEST_F(session, a_statement_that_cannot_be_parsed_fails_all_its_uses_and_is_tried_anew) {
  open();
  submit(batch(insert(1), pg::statement{from_later}));
  submit(pg::statement{from_later});
  submit(pg::statement{broken});
  wait_replies(3);
  EXPECT_EQ(replies[0].error().sqlstate, "42P01");
  EXPECT_EQ(replies[0].error().statement, 1);
  EXPECT_EQ(replies[1].error().sqlstate, "42P01");
  EXPECT_EQ(replies[2].error().sqlstate, "42601");
  run_sql("create table later (n bigint)");
  submit(pg::statement{from_later});
  submit(pg::statement{count_numbers});
  wait_replies(5);
  EXPECT_TRUE(replies[3]);
  EXPECT_EQ(replies[4].value()[0].int64(0, 0), 0);
}

TEST_F(session, a_changed_result_type_costs_one_failure) {
  run_sql("create table later (n bigint)");
  constexpr static query all{"all", "select * from later"};
  open();
  submit(pg::statement{all});
  wait_replies(1);
  run_sql("alter table later add m int");
  submit(pg::statement{all});
  wait_replies(2);
  EXPECT_EQ(replies[1].error().sqlstate, "0A000");
  submit(pg::statement{all});
  wait_replies(3);
  EXPECT_TRUE(replies[2]);
}

TEST_F(session, the_order_of_parameter_types_does_not_matter) {
  open();
  submit(pg::statement{echo_number, pg::params{}.null()});
  submit(pg::statement{echo_number, pg::params{}.int4(7)});
  submit(pg::statement{echo_number, pg::params{}.int8(8)});
  submit(pg::statement{echo_number, pg::params{}.null()});
  wait_replies(4);
  EXPECT_TRUE(replies[0].value()[0].is_null(0, 0));
  EXPECT_EQ(replies[1].value()[0].int64(0, 0), 7);
  EXPECT_EQ(replies[2].value()[0].int64(0, 0), 8);
  EXPECT_TRUE(replies[3].value()[0].is_null(0, 0));
}

TEST_F(session, a_failure_at_commit_blames_no_statement) {
  run_sql("create table child (n bigint references number deferrable initially deferred)");
  open();
  submit(pg::statement{"insert into child values (404)"});
  submit(pg::statement{count_numbers});
  wait_replies(2);
  ASSERT_FALSE(replies[0]);
  EXPECT_EQ(replies[0].error().sqlstate, "23503");
  EXPECT_EQ(replies[0].error().statement, 1);
  EXPECT_TRUE(replies[1]);
}

TEST_F(session, raw_transactions_and_cursors_span_batches) {
  run_sql("insert into number select generate_series(1, 10)");
  open();
  submit(batch(pg::statement{"begin isolation level repeatable read"},
               pg::statement{"declare c cursor for select n from number order by n"}));
  submit(pg::statement{"fetch 4 from c"});
  submit(pg::statement{"fetch 100 from c"});
  submit(pg::statement{"commit"});
  wait_replies(4);
  EXPECT_EQ(replies[1].value()[0].size(), 4);
  EXPECT_EQ(replies[2].value()[0].size(), 6);
  EXPECT_EQ(replies[2].value()[0].int64(0, 0), 5);
}

TEST_F(session, role_and_settings_hold_before_the_first_batch) {
  run_sql(
      "do $$ begin create role session_test_role; exception when duplicate_object or "
      "unique_violation then null; end $$");
  auto o = options();
  o.role = "session_test_role";
  o.settings = {{"cascade.doorbell", "off"}};
  open(o);
  submit(pg::statement{"select current_user::text || ' ' || current_setting('cascade.doorbell')"});
  wait_replies(1);
  EXPECT_EQ(replies[0].value()[0].text(0, 0), "session_test_role off");
}

TEST_F(session, notices_and_notifications_are_handed_over) {
  std::vector<std::string> heard;
  auto o = options();
  o.on_notice = [&](const pg::failure& f) { heard.push_back("notice " + f.message); };
  o.on_notify = [&](std::string_view channel, std::string_view payload) {
    heard.push_back(std::string(channel) + " " + std::string(payload));
  };
  open(o);
  submit(pg::statement{"listen bell"});
  submit(pg::statement{"do $$ begin raise warning 'careful'; end $$"});
  wait_replies(2);
  run_sql("notify bell, 'ding'");
  until([&] { return heard.size() == 2; });
  EXPECT_THAT(heard, testing::ElementsAre("notice careful", "bell ding"));
}
