// Migrations: many at once, torn ones, and schemas of other versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "pg/migrate.hpp"
#include "sql/migrations.hpp"
#include "tests/support/postgres.hpp"

using namespace std::chrono_literals;
using cascade::errc;
using cascade::sql::migration;
using cascade::test::must;
using cascade::test::value_of;
using testing::HasSubstr;
namespace pg = cascade::pg;

namespace {

struct migrate : testing::Test {
  cascade::test::test_database database{cascade::test::test_database::schema::none};
  pg::connection c = database.connect();

  pg::expected<int> run(std::span<const migration> all) {
    return pg::migrate(c, all, pg::deadline::in(60s), 60s);
  }
};

constexpr migration two_small[] = {
    {1, "0001_one", "create table cascade.one (n int);"},
    {2, "0002_two", "--! breaking\ncreate table cascade.two (n int); set role pg_monitor;"},
};

}  // namespace

TEST_F(migrate, an_empty_database_has_everything_pending) {
  const auto all = must(pg::migration_status(c));
  ASSERT_EQ(all.size(), std::size(cascade::sql::all_migrations));
  for (const auto& m : all) EXPECT_TRUE(m.applied_at.empty());
  EXPECT_THAT(pg::schema_problem(c)->message, HasSubstr("lacks migration"));
}

TEST_F(migrate, twenty_at_once_apply_each_migration_once) {
  std::atomic<int> applied{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i)
    threads.emplace_back([&] {
      auto mine = database.connect();
      const auto n = pg::migrate(mine);
      EXPECT_TRUE(n) << pg::to_string(n.error());
      if (n) applied += n.value();
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(applied, static_cast<int>(std::size(cascade::sql::all_migrations)));
  EXPECT_FALSE(pg::schema_problem(c));
  EXPECT_EQ(
      value_of(c,
               "select count(*)::text from pg_locks where locktype = 'advisory' and objid = 727003 "
               "and database = (select oid from pg_database where datname = current_database())"),
      "0");
  EXPECT_EQ(value_of(c,
                     "select tableowner::text from pg_tables where schemaname = 'cascade' and "
                     "tablename = 'migration'"),
            "cascade_owner");
}

TEST_F(migrate, a_second_run_does_nothing) {
  must(pg::migrate(c));
  EXPECT_EQ(must(pg::migrate(c)), 0);
  for (const auto& m : must(pg::migration_status(c))) {
    EXPECT_FALSE(m.applied_at.empty());
    EXPECT_EQ(m.binary_version, CASCADE_VERSION);
  }
}

TEST_F(migrate, only_what_is_missing_is_applied) {
  EXPECT_EQ(must(run(std::span(two_small).first(1))), 1);
  EXPECT_EQ(must(run(two_small)), 1);
  EXPECT_EQ(value_of(c,
                     "select string_agg(number || ':' || breaking, ' ' order by number) from "
                     "cascade.migration"),
            "1:false 2:true");
}

TEST_F(migrate, the_role_is_as_before_whatever_a_migration_sets) {
  const auto before = value_of(c, "select current_user::text");
  must(run(two_small));
  EXPECT_EQ(value_of(c, "select current_user::text"), before);
}

TEST_F(migrate, a_failing_migration_leaves_the_whole_ones_before_it) {
  constexpr migration torn[] = {
      two_small[0], {2, "0002_torn", "create table cascade.torn (n int); select 1 / 0;"}};
  const auto r = run(torn);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().sqlstate, "22012");
  EXPECT_THAT(r.error().message, HasSubstr("0002_torn"));
  EXPECT_EQ(value_of(c, "select count(*)::text from cascade.migration"), "1");
  EXPECT_EQ(value_of(c, "select to_regclass('cascade.torn')::text"), "(null)");
  EXPECT_EQ(must(run(two_small)), 1);
}

TEST_F(migrate, a_schema_with_an_unknown_breaking_migration_is_refused) {
  must(pg::migrate(c));
  must(
      c.exec_text("insert into cascade.migration (number, name, breaking, binary_version)"
                  " values (900, '0900_future', true, '9.1.0')"));
  const auto r = pg::migrate(c);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::database_rejected);
  EXPECT_THAT(r.error().message, HasSubstr("0900_future"));
  EXPECT_THAT(r.error().hint, HasSubstr("9.1.0"));
  EXPECT_TRUE(pg::schema_problem(c));
}

TEST_F(migrate, a_schema_with_an_unknown_harmless_migration_is_accepted) {
  must(pg::migrate(c));
  must(
      c.exec_text("insert into cascade.migration (number, name, binary_version) values (900, "
                  "'0900_future', '9.1.0')"));
  EXPECT_EQ(must(pg::migrate(c)), 0);
  EXPECT_FALSE(pg::schema_problem(c));
  const auto all = must(pg::migration_status(c));
  EXPECT_FALSE(all.back().known);
}

TEST_F(migrate, the_wait_for_another_migrator_is_bounded) {
  auto other = database.connect();
  must(other.exec("select pg_advisory_lock(727003)"));
  const auto r = pg::migrate(c, pg::deadline::in(60s), 20ms);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::database_conflict);
  EXPECT_TRUE(c.alive());
  EXPECT_EQ(value_of(c, "show lock_timeout"), "0");
  must(other.exec("select pg_advisory_unlock(727003)"));
  EXPECT_TRUE(pg::migrate(c));
}
