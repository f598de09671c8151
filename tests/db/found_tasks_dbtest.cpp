// Work that is found while other work runs: its priority is a share of its finder's.
#include <gmock/gmock.h>

#include "sql/queries.hpp"
#include "tests/support/postgres.hpp"

namespace cascade {
namespace {

using test::make_task;
using test::must;
using test::value_of;

struct found_tasks : ::testing::Test {
  test::test_database database;
  pg::connection admin = database.connect();
  pg::connection producer = database.connect("cascade_producer");

  std::string page(int priority) {
    return value_of(
        admin, "select cascade.add_task('page', priority => " + std::to_string(priority) + ")");
  }
  std::string found(const std::string& by, const std::string& queue = "default") {
    return value_of(producer, "select cascade.add_task('page', queue => '" + queue +
                                  "', found_by => " + by + ")");
  }
  std::string priority(const std::string& id) {
    return value_of(admin, "select priority from cascade.task where id = " + id);
  }
};

TEST_F(found_tasks, a_found_task_has_nine_tenths_of_the_priority_of_its_finder) {
  const auto first = page(80), second = found(first), third = found(second);
  EXPECT_EQ(priority(second), "72");
  EXPECT_EQ(priority(third), "65");
  EXPECT_EQ(value_of(admin, "select found_by from cascade.tasks where id = " + third), second);
}

TEST_F(found_tasks, each_queue_has_a_decay_of_its_own) {
  must(admin.exec_text("select cascade.set_decay('deep', 1), cascade.set_decay('wide', 0)"));
  const auto first = page(80);
  EXPECT_EQ(priority(found(first, "deep")), "80");
  EXPECT_EQ(priority(found(first, "wide")), "0");
  must(admin.exec_text("select cascade.set_decay('wide', 0.5)"));
  EXPECT_EQ(priority(found(first, "wide")), "40");
}

TEST_F(found_tasks, many_are_found_in_one_statement_and_other_checks_hold) {
  const auto first = page(50);
  must(producer.exec_text("insert into cascade.task (handler, found_by) select 'page', " + first +
                          " from generate_series(1, 3)"));
  EXPECT_EQ(
      value_of(
          admin,
          "select string_agg(priority::text, ' ') from cascade.task where found_by is not null"),
      "45 45 45");
  EXPECT_FALSE(producer.exec_text("insert into cascade.task (handler, found_by) values ('', " +
                                  first + ")"));
}

TEST_F(found_tasks, a_found_task_that_is_retried_keeps_its_priority) {
  const auto id = found(page(80));
  auto engine = database.connect("cascade_engine");
  must(engine.exec_text(
      "update cascade.task set status = 'running', attempt = 1, started_at = now() where id = " +
      id));
  must(engine.exec_text(
      "update cascade.task set status = 'failed', priority = 90, finished_at = now(), "
      "finished_on = cascade.today() where id = " +
      id));
  must(engine.exec(sql::redrive_tasks.text, pg::params{}.int8s(std::vector{std::stoll(id)})));
  EXPECT_EQ(value_of(admin, "select status || ' ' || priority from cascade.task where id = " + id),
            "pending 90");
}

TEST_F(found_tasks, a_finder_may_have_ended) {
  const auto first = std::to_string(make_task(admin, {.status = "completed"}));
  EXPECT_EQ(priority(found(first)), "45");
}

TEST_F(found_tasks, a_reference_raises_what_is_there_and_says_nothing_when_it_would_not) {
  const auto high = page(90), low = page(20), target = page(50);
  const auto refer = [&](const std::string& by) {
    return value_of(producer, "select cascade.refer_to(" + target + ", " + by + ") is null");
  };
  EXPECT_EQ(refer(low), "t");
  EXPECT_EQ(refer(high), "f");
  EXPECT_EQ(value_of(admin,
                     "select task_id || ' ' || priority || ' ' || at_least || ' ' || created_by "
                     "from cascade.priority_change"),
            target + " 81 true " + value_of(admin, "select session_user"));
  EXPECT_FALSE(producer.exec_text("select cascade.refer_to(404, " + high + ")"));
  EXPECT_FALSE(producer.exec_text("select cascade.refer_to(" + target + ", 404)"));
}

}  // namespace
}  // namespace cascade
