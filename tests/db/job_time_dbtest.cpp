// Steps that wait for a time, and what time limits do to a job.
#include "tests/db/job_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct job_time : job_fixture {
  void time_says(const char* kind, task_id task = {}) {
    tell(scheduler.actor, actor, job_command{{{}, id, task, kind, {}, "too late"}});
    settle();
  }
  // The task comes back through the inbox, as the scheduler would take it up.
  void comes_back(const std::string& step) {
    arrival a;
    a.id = task_id{number("select id from cascade.task where step = '" + step + "'")};
    a.body.step = step;
    tasks[step] = a;
  }
  std::string waits(const std::string& step) {
    return value(
        "select status || ' ' || coalesce(waiting_reason::text, '-') || ' ' || "
        "extract(epoch from run_at - created_at)::int from cascade.task where step = '" +
        step + "'");
  }
};

TEST_F(job_time, a_step_waits_after_its_dependencies_and_comes_back_through_the_inbox) {
  run(json::parse(R"([{"name": "a"}, {"name": "pause", "depends_on": ["a"], "wait": "10m"},
                      {"name": "b", "depends_on": ["pause"]}])"));
  wait_released(1);
  const std::string before = value("select pg_current_snapshot()");
  ends("a");
  until([&] { return scheduler.looks == 1; });
  EXPECT_THAT(scheduler.released, IsEmpty());
  EXPECT_EQ(waits("pause"), "waiting delay 600");
  EXPECT_EQ(value("select count(*) from cascade.task where step = 'pause' and not "
                  "pg_visible_in_snapshot(xid, '" +
                  before + "')"),
            "1")
      << "it is new for the inbox";
  EXPECT_EQ(value("select waiting || ' ' || completed from cascade.jobs"), "2 1");
  comes_back("pause");
  ends("pause");
  EXPECT_THAT(wait_released(1), ElementsAre("b"));
}

TEST_F(job_time, a_first_step_may_wait_until_a_time_that_an_expression_gives) {
  run(json::parse(R"([{"name": "a", "handler": "work", "wait_until": "'2100-01-01T00:00:00Z'"},
                      {"name": "b", "handler": "work", "wait_until": "4102444800"},
                      {"name": "c", "handler": "work", "wait_until": "null"}])"));
  EXPECT_THAT(wait_released(1), ElementsAre("c"));
  EXPECT_GE(scheduler.looks, 1u);
  EXPECT_EQ(
      value("select string_agg(status || ' ' || run_at, ', ' order by step) from cascade.task "
            "where step < 'c' and waiting_reason = 'delay' and run_at = '2100-01-01 UTC' "
            "having count(*) = 2") != "",
      true);
}

TEST_F(job_time, the_items_of_a_fan_out_wait_together) {
  run(json::parse(R"([{"name": "each", "for_each": "[1, 2, 3]", "wait": "1h"}])"));
  until([&] { return scheduler.looks > 0; });
  round_trip();
  EXPECT_THAT(scheduler.released, IsEmpty());
  EXPECT_EQ(
      value("select count(*) || ' ' || min(waiting_reason) || ' ' || max(waiting_reason) from "
            "cascade.task"),
      "3 delay delay");
  EXPECT_EQ(value("select waiting from cascade.jobs"), "3");
}

TEST_F(job_time, a_time_that_cannot_be_told_fails_the_step) {
  run(json::parse(R"([{"name": "a", "wait_until": "'tomorrow'"}])"));
  wait_end();
  EXPECT_EQ(job_status(), "failed");
  EXPECT_THAT(value("select error from cascade.task"), HasSubstr("wait_until: expected a time"));
}

TEST_F(job_time, a_restart_leaves_a_waiting_step_to_the_inbox) {
  run(json::parse(R"([{"name": "a", "wait": "10m"}, {"name": "b"}])"));
  wait_released(1);
  watch(actor);
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  EXPECT_TRUE(ended());
  scheduler.looks = 0;
  spawn();
  round_trip();
  round_trip();
  EXPECT_THAT(released(), IsEmpty()) << "b is running, a waits: both come with the load";
  EXPECT_EQ(waits("a"), "waiting delay 600");
}

TEST_F(job_time, a_step_that_did_not_start_in_its_time_fails_and_with_it_what_needs_it) {
  run(json::parse(R"([{"name": "a", "start_within": "5s"}, {"name": "b", "depends_on": ["a"]}])"));
  wait_released(1);
  EXPECT_EQ(tasks.at("a").start_within, 5s);
  EXPECT_EQ(value("select start_within from cascade.task where step = 'a'"), "00:00:05");
  time_says("expire_task", tasks.at("a").id);
  wait_end();
  EXPECT_EQ(job_status(), "failed");
  EXPECT_EQ(rows(), "a failed, b skipped");
  EXPECT_THAT(scheduler.forgotten, ElementsAre(tasks.at("a").id));
  EXPECT_EQ(scheduler.commands_obeyed, 0u);
}

TEST_F(job_time, a_job_that_times_out_fails_and_what_it_still_ran_is_cancelled) {
  run(json::parse(R"([{"name": "a"}, {"name": "b", "depends_on": ["a"]}])"));
  wait_released(1);
  time_says("expire_job");
  wait_end();
  EXPECT_EQ(job_status(), "failed");
  EXPECT_THAT(value("select error from " + job_row()), HasSubstr("too late"));
  EXPECT_EQ(rows(), "a cancelled, b cancelled");
  EXPECT_EQ(scheduler.voided, std::vector<job_id>{id});
}

TEST_F(job_time, the_timeout_of_a_workflow_is_that_of_its_jobs_unless_they_have_their_own) {
  must(admin.exec("insert into cascade.workflow (name, version, definition) values ('w', 1, $1)",
                  pg::params{}.jsonb(R"({"name": "w", "timeout": "1h30m", "steps": []})")));
  EXPECT_EQ(value("insert into cascade.job (workflow) values ('w') returning timeout"), "01:30:00");
  EXPECT_EQ(
      value("insert into cascade.job (workflow, timeout) values ('w', '5 s') returning timeout"),
      "00:00:05");
}

}  // namespace
}  // namespace cascade
