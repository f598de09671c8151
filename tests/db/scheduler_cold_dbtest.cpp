// Commands and jobs whose tasks the scheduler knows by their ids only.
#include "tests/db/scheduler_backlog_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

struct scheduler_cold : scheduler_backlog_fixture {};

// -- commands -------------------------------------------------------------------------------------

TEST_F(scheduler_cold, a_cancelled_cold_task_never_starts_whether_its_row_says_so_yet_or_not) {
  run();
  line_up(30);
  command("cancel_task", 25);
  cancel_row(25);
  commit();
  command("cancel_task", 26);  // its commit is on the way
  ids expected;
  for (const auto id : range(2, 30))
    if (id != 25 && id != 26) expected.push_back(id);
  ids order;
  while (!in_pool.empty()) {
    finish(in_pool.begin()->first);
    round_trip();
    for (const auto id : started()) order.push_back(id);
  }
  EXPECT_THAT(order, ElementsAreArray(expected));
}

TEST_F(scheduler_cold, a_cancelled_cold_task_that_is_retried_runs_once) {
  run();
  line_up(30);
  command("cancel_task", 20);
  command("retry_task", 20);
  commit_all();
  arrive({task(20)});  // its row is pending again
  ids expected = range(2, 30);
  expected.erase(expected.begin() + 18);
  expected.push_back(20);
  EXPECT_THAT(run_all(), ElementsAreArray(expected));
}

TEST_F(scheduler_cold, a_new_priority_of_a_cold_task_counts_at_once) {
  run();
  line_up(40);
  set_priority(30, 90);
  set_priority(35, 10);
  ids expected{30};
  for (const auto id : range(2, 40))
    if (id != 30 && id != 35) expected.push_back(id);
  expected.push_back(35);
  EXPECT_THAT(run_all(), ElementsAreArray(expected));
}

TEST_F(scheduler_cold, a_new_priority_counts_though_the_row_that_was_read_has_the_old_one) {
  run();
  line_up(40);
  for (int id = 1; scheduler_parts::number("hot") > 0; ++id) finish(id);
  const auto at = in_pool.begin()->first;
  finish(at);  // the next rows are on their way, all with priority 50
  set_priority(at + 2, 90);
  started();
  round_trip();
  round_trip();
  EXPECT_THAT(started(), ElementsAre(at + 2));
}

TEST_F(scheduler_cold, a_new_priority_of_a_job_counts_for_its_cold_tasks) {
  const auto job = test::make_job(admin);
  run();
  attach(job, "");
  for (int i = 0; i < 40; ++i) row(50, "{}", i % 2 == 0 ? 0 : job);
  arrive(std::exchange(tasks, {}));
  started();
  set_job_priority(job, 90);
  ids expected;
  for (int id = 2; id <= 40; id += 2) expected.push_back(id);
  for (int id = 3; id <= 40; id += 2) expected.push_back(id);
  EXPECT_THAT(run_all(), ElementsAreArray(expected));
}

// -- jobs -----------------------------------------------------------------------------------------

TEST_F(scheduler_cold, a_paused_job_keeps_its_cold_tasks_and_their_order) {
  const auto job = test::make_job(admin);
  run();
  attach(job, "");
  row();
  for (int i = 0; i < 30; ++i) row(50, "{}", job);
  row();
  arrive(std::exchange(tasks, {}));
  command("pause_job", 0, job);
  EXPECT_THAT(started(), ElementsAre(1));
  EXPECT_THAT(run_all(), ElementsAre(32));
  EXPECT_EQ(scheduler_parts::number("ready"), 0);
  command("resume_job", 0, job);
  round_trip();
  ids order = started();
  for (const auto id : run_all()) order.push_back(id);
  EXPECT_THAT(order, ElementsAreArray(range(2, 31)));
}

TEST_F(scheduler_cold, a_job_is_idle_when_the_last_of_its_tasks_is_over_and_not_before) {
  const auto job = test::make_job(admin);
  run();
  attach(job, "");
  const int before = job_parts[job].idles;  // it had no task yet
  line_up(30, job);
  cancel_row(20);  // by nobody this scheduler knows of
  while (in_pool.begin()->first != 30) {
    finish(in_pool.begin()->first);
    commit_all();
    round_trip();
  }
  EXPECT_EQ(job_parts[job].idles, before);
  finish(30);
  commit_all();
  EXPECT_EQ(job_parts[job].idles, before + 1);
}

}  // namespace
}  // namespace cascade
