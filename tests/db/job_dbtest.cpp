// The life of a job over real rows: what is released, when, and how it ends.
#include "tests/db/job_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct job : job_fixture {};
struct job_small_batches : job_fixture {
  job_small_batches() : job_fixture(2) {}
};

const json diamond = json::parse(R"([
  {"name": "a"}, {"name": "b", "depends_on": ["a"]}, {"name": "c", "depends_on": ["a"]},
  {"name": "d", "depends_on": ["b", "c"]}])");
const json fan = json::parse(R"([
  {"name": "list"},
  {"name": "each", "depends_on": ["list"], "for_each": "steps.list.result",
   "input": {"n": "${item}"}},
  {"name": "sum", "depends_on": ["each"], "input": {"all": "${steps.each.result}"}}])");

TEST_F(job, a_start_writes_a_row_for_each_step_and_releases_the_roots_after_the_commit) {
  run(diamond);
  until([&] { return !scheduler.attached.empty(); });
  EXPECT_FALSE(scheduler.attached[0].container);
  EXPECT_THAT(scheduler.released, IsEmpty());
  EXPECT_THAT(wait_released(1), ElementsAre("a"));
  EXPECT_EQ(rows(), "a pending, b waiting, c waiting, d waiting");
  EXPECT_EQ(job_status(), "running");
}

TEST_F(job, dependents_are_released_only_when_it_is_recorded_that_they_may) {
  run(diamond);
  wait_released(1);
  auto blocker = database.connect();
  must(blocker.exec_text("begin; select from cascade.task for update"));
  ends("a");
  until([&] { return port->writer()->in_flight() == 1; });
  elapse(1h);
  EXPECT_THAT(scheduler.released, IsEmpty()) << "the commit has to wait";
  EXPECT_EQ(scheduler.settled, 0u);
  must(blocker.exec_text("rollback"));
  EXPECT_THAT(wait_released(2), UnorderedElementsAre("b", "c"));
  EXPECT_EQ(scheduler.settled, 1u);
  EXPECT_EQ(rows(), "a completed, b pending, c pending, d waiting");
}

TEST_F(job, it_ends_once_with_the_commit_of_its_last_step) {
  run(diamond, "${steps.d.result}");
  wait_released(1);
  ends("a");
  wait_released(2);
  ends("b");
  ends("c");
  wait_released(1);
  watch(actor);
  ends("d", "{\"n\": 1}");
  EXPECT_EQ(job_status(), "running");
  wait_end();
  EXPECT_EQ(job_status(), "completed");
  EXPECT_EQ(value("select result from " + job_row()), "{\"n\": 1}");
  EXPECT_EQ(scheduler.settled, 4u);
  EXPECT_TRUE(ended());
}

TEST_F(job, a_fan_out_makes_a_task_of_each_item_and_what_follows_sees_all_results) {
  run(fan);
  wait_released(1);
  ends("list", "[10, 20, 30]");
  EXPECT_THAT(wait_released(3), UnorderedElementsAre("each#0", "each#1", "each#2"));
  EXPECT_EQ(json::parse(tasks["each#2"].body.payload), json({{"n", 30}}));
  EXPECT_EQ(value("select payload from cascade.task where item = 1"), "{\"n\": 20}");
  ends("each#1", "2");
  ends("each#0", "1");
  round_trip();
  EXPECT_THAT(released(), IsEmpty());
  ends("each#2", "3");
  EXPECT_THAT(wait_released(1), ElementsAre("sum"));
  EXPECT_EQ(json::parse(tasks["sum"].body.payload), json({{"all", {1, 2, 3}}}));
  ends("sum");
  wait_end();
  EXPECT_EQ(number("select completed from cascade.jobs"), 5);
}

TEST_F(job, its_tasks_are_those_of_its_tenant) {
  define(fan);
  make();
  must(admin.exec("update cascade.job set tenant = 'acme'"));
  job_start unread;  // its row is read by the actor
  unread.job = id;
  actor = keep(spawn_job(sys, context(), {scheduler.actor, recorder, catalog}, unread));
  wait_released(1);
  EXPECT_EQ(tasks["list"].tenant, tenant_of("acme"));
  ends("list", "[10, 20]");
  wait_released(2);
  EXPECT_EQ(tasks["each#1"].tenant, tenant_of("acme"));
  const auto add = [&](const std::string& tenant) {
    return value("insert into cascade.task (handler, job_id, tenant) values ('x', " +
                 std::to_string(id.value) + ", " + tenant + ") returning tenant");
  };
  EXPECT_EQ(add("null"), "acme");
  EXPECT_EQ(add("'other'"), "other");
  EXPECT_EQ(number("select count(*) from cascade.task where tenant = 'acme'"), 5);
}

TEST_F(job_small_batches,
       the_first_items_of_a_large_fan_out_are_released_before_the_last_ones_are_there) {
  run(fan);
  wait_released(1);
  ends("list", "[10, 20, 30, 40, 50, 60]");
  EXPECT_THAT(wait_released(6),
              UnorderedElementsAre("each#0", "each#1", "each#2", "each#3", "each#4", "each#5"));
  for (const int item : {1, 2, 3, 4, 5})
    EXPECT_EQ(json::parse(tasks["each#" + std::to_string(item)].body.payload),
              json({{"n", 10 * (item + 1)}}));
  EXPECT_EQ(value("select string_agg(item::text, ' ' order by item) from cascade.task where item > "
                  "0 group by created_at "
                  "order by created_at limit 1"),
            "1 2");
  EXPECT_EQ(number("select count(distinct created_at) from cascade.task where item > 0"), 3);
  for (const int item : {5, 0, 3, 2, 1, 4})
    ends("each#" + std::to_string(item), std::to_string(item));
  EXPECT_THAT(wait_released(1), ElementsAre("sum"));
  EXPECT_EQ(json::parse(tasks["sum"].body.payload), json({{"all", {0, 1, 2, 3, 4, 5}}}));
  ends("sum");
  wait_end();
  EXPECT_EQ(number("select completed from cascade.jobs"), 8);
}

TEST_F(job, an_empty_fan_out_is_skipped_and_counts_as_success) {
  run(fan);
  wait_released(1);
  ends("list", "[]");
  EXPECT_THAT(wait_released(1), ElementsAre("sum"));
  EXPECT_EQ(rows(), "each skipped, list completed, sum pending");
  EXPECT_EQ(json::parse(tasks["sum"].body.payload), json({{"all", json::array()}}));
}

TEST_F(job, a_failure_skips_what_depends_on_it_and_the_job_fails_when_the_rest_is_over) {
  run(diamond);
  wait_released(1);
  ends("a");
  wait_released(2);
  fails("b", "no disk");
  round_trip();
  EXPECT_EQ(rows(), "a completed, b failed, c pending, d waiting") << "d waits for c, too";
  EXPECT_THAT(scheduler.ended, IsEmpty());
  ends("c");
  wait_end();
  EXPECT_EQ(rows(), "a completed, b failed, c completed, d skipped");
  EXPECT_EQ(job_status(), "failed");
  EXPECT_THAT(value("select error from " + job_row()), HasSubstr("b"));
}

TEST_F(job, a_late_or_repeated_outcome_changes_nothing) {
  run(diamond);
  wait_released(1);
  ends("a", "1");
  ends("a", "2");
  EXPECT_THAT(wait_released(2), UnorderedElementsAre("b", "c"));
  round_trip();
  EXPECT_THAT(released(), IsEmpty());
  EXPECT_EQ(value("select result from cascade.task where step = 'a'"), "1");
}

TEST_F(job, an_expression_that_fails_fails_its_step_and_the_job) {
  run(fan);
  wait_released(1);
  ends("list", "{\"not\": \"an array\"}");
  wait_end();
  EXPECT_EQ(rows(), "each failed, list completed, sum skipped");
  EXPECT_EQ(job_status(), "failed");
}

TEST_F(job, a_job_whose_workflow_cannot_be_read_fails_with_the_reason) {
  define(diamond);
  make();
  run_sql("delete from cascade.workflow");
  spawn();
  wait_end();
  EXPECT_EQ(job_status(), "failed");
  EXPECT_THAT(value("select error from " + job_row()), HasSubstr("cannot be run"));
}

// -- commands -------------------------------------------------------------------------------------

TEST_F(job, a_cancelled_job_ends_with_all_its_tasks_in_one_commit) {
  run(diamond);
  wait_released(1);
  command("cancel_job");
  EXPECT_THAT(scheduler.voided, ElementsAre(id)) << "before the commit: nothing more may start";
  EXPECT_EQ(job_status(), "running");
  wait_end();
  EXPECT_EQ(job_status(), "cancelled");
  EXPECT_EQ(rows(), "a cancelled, b cancelled, c cancelled, d cancelled");
  EXPECT_EQ(value("select outcome from cascade.command"), "applied");
  EXPECT_EQ(
      number("select count(distinct xmin::text) from (select xmin from cascade.task union all "
             "select xmin from cascade.job union all select xmin from cascade.command) x"),
      1);
}

TEST_F(job, a_cancelled_step_is_forgotten_once_that_is_committed_and_its_dependents_are_skipped) {
  run(diamond);
  wait_released(1);
  ends("a");
  wait_released(2);
  command("cancel_task", tasks["b"].id);
  EXPECT_THAT(scheduler.forgotten, IsEmpty());
  until([&] { return !scheduler.forgotten.empty(); });
  EXPECT_THAT(scheduler.forgotten, ElementsAre(tasks["b"].id));
  EXPECT_EQ(rows(), "a completed, b cancelled, c pending, d waiting");
  ends("c");
  wait_end();
  EXPECT_EQ(rows(), "a completed, b cancelled, c completed, d skipped");
}

TEST_F(job, a_step_that_has_ended_is_not_stopped) {
  run(diamond);
  wait_released(1);
  ends("a");
  command("cancel_task", tasks["a"].id);
  wait_released(2);
  round_trip();
  EXPECT_EQ(rows(), "a completed, b pending, c pending, d waiting");
  EXPECT_THAT(scheduler.forgotten, IsEmpty()) << "the scheduler would wait for its key";
}

TEST_F(job, a_command_that_comes_before_the_graph_is_there_is_obeyed_afterwards) {
  define(diamond);
  make();
  spawn();
  command("cancel_job");
  wait_end();
  EXPECT_EQ(job_status(), "cancelled");
  EXPECT_EQ(rows(), "a cancelled, b cancelled, c cancelled, d cancelled");
}

TEST_F(job, a_retry_that_comes_while_the_job_ends_is_left_to_the_scheduler) {
  run(json::parse(R"([{"name": "a"}])"));
  wait_released(1);
  fails("a");  // the end is on its way
  command("retry_job");
  wait_end();
  EXPECT_EQ(scheduler.commands_obeyed, 0u);
  EXPECT_EQ(rows(), "a failed") << "and not reopened in a job that has ended";
  EXPECT_EQ(job_status(), "failed");
}

}  // namespace
}  // namespace cascade
