// What time does to tasks and jobs: start_within, timeouts of jobs; and what running tasks say about
// themselves. Due times are tests/db/scheduler_time_dbtest.cpp.
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(scheduler_test, a_task_that_has_not_started_in_its_time_fails) {
  slots = 1;
  run({task(1)});
  started();
  arrival hasty = task(2), patient = task(3);
  hasty.start_by = database_now() + 5s;
  arrive({hasty, patient});
  elapse(4999ms);
  EXPECT_THAT(written, SizeIs(1)) << "the running of the first";
  commit_all();
  elapse(2ms);
  const settlement s = commit();
  ASSERT_THAT(s.unrun, SizeIs(1));
  EXPECT_EQ(s.unrun[0].id, task_id{2});
  EXPECT_EQ(s.unrun[0].state, task_state::failed);
  EXPECT_THAT(s.unrun[0].error, testing::HasSubstr("start_within"));
  finish(1);
  EXPECT_THAT(started(), ElementsAre(3));
}

TEST_F(scheduler_test, a_task_that_started_in_its_time_is_left_alone) {
  arrival hasty = task(1);
  run();
  hasty.start_by = database_now() + 5s;
  arrive({hasty});
  EXPECT_THAT(started(), ElementsAre(1));
  commit_all();
  elapse(1h);
  for (const settlement& s : written) EXPECT_THAT(s.unrun, IsEmpty());
  EXPECT_EQ(number("start_by"), 0);
}

TEST_F(scheduler_test, a_step_that_has_not_started_in_its_time_is_told_to_its_job) {
  slots = 0;
  run();
  attach(7);
  arrival hasty = of_job(7, task(1), "a");
  hasty.start_by = database_now() + 5s;
  arrive({hasty});
  elapse(6s);
  ASSERT_THAT(job_parts[7].commands, SizeIs(1));
  EXPECT_EQ(job_parts[7].commands[0].kind, "expire_task");
  EXPECT_EQ(job_parts[7].commands[0].task, task_id{1});
  EXPECT_FALSE(job_parts[7].commands[0].id);
}

TEST_F(scheduler_test, a_job_that_takes_longer_than_its_timeout_is_told_so_once) {
  run();
  attach(7);
  tell(job(7), scheduler, job_attached{job_id{7}, false, false, database_now() - 50min, 1h});
  settle();
  elapse(599s);
  EXPECT_THAT(job_parts[7].commands, IsEmpty());
  elapse(2s);
  ASSERT_THAT(job_parts[7].commands, SizeIs(1));
  EXPECT_EQ(job_parts[7].commands[0].kind, "expire_job");
  elapse(2h);
  EXPECT_THAT(job_parts[7].commands, SizeIs(1));
}

TEST_F(scheduler_test, a_task_that_no_node_can_run_fails_in_its_time_too) {
  run();
  arrival odd = task(1);
  odd.capable = false;
  odd.start_by = database_now() + 5s;
  arrive({odd});
  EXPECT_THAT(commit().held, SizeIs(1));
  elapse(6s);
  const settlement s = commit();
  ASSERT_THAT(s.unrun, SizeIs(1));
  EXPECT_EQ(s.unrun[0].id, task_id{1});
}

TEST_F(scheduler_test, better_readings_of_the_clock_leave_no_heap_of_wake_ups) {
  run();
  arrival late = task(1);
  late.start_by = database_now() + 24h;
  late.capable = false;
  arrive({late});
  const auto armed = [this] { return sched.clock().schedule().size(); };
  const auto before = armed();
  for (int i = 1; i <= 100; ++i) {
    tell(inbox, scheduler, clock_read{{sched.clock().now(), database_now() + i * 10us}});
    settle();
  }
  EXPECT_EQ(armed(), before);
}

TEST_F(scheduler_test, what_a_task_says_is_written_with_its_running) {
  run({task(1)});
  started();
  const auto say = [&](std::int64_t id, int attempt, int percent, std::string text) {
    tell(pool, scheduler, task_beat{task_id{id}, attempt, {percent, std::move(text)}});
    settle();
  };
  say(1, 1, 40, "loading");
  const settlement s = commit();
  ASSERT_THAT(s.progress, SizeIs(1));
  EXPECT_EQ(s.progress[0].percent, 40);
  EXPECT_EQ(s.progress[0].text, "loading");
  EXPECT_THAT(s.started, SizeIs(1)) << "nobody sees progress of a task that does not run";
  say(1, 1, 50, "");
  EXPECT_THAT(commit().started, IsEmpty());
  say(1, 2, 60, "");
  say(2, 1, 60, "");
  EXPECT_THAT(written, IsEmpty()) << "of another attempt, or of none";
}

TEST_F(scheduler_test, while_progress_is_being_written_only_the_latest_waits) {
  run({task(1), task(2)});
  const auto say = [this](std::int64_t id, int percent) {
    tell(pool, scheduler, task_beat{task_id{id}, 1, {percent, {}}});
    settle();
  };
  for (const int percent : {10, 20, 30}) say(1, percent);
  say(2, 5);
  ASSERT_THAT(written, SizeIs(2)) << "one of each task";
  EXPECT_EQ(commit().progress.at(0).percent, 10);
  EXPECT_EQ(commit().progress.at(0).percent, 5);
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0].progress.at(0).percent, 30);
  say(1, 40);
  finish(1);
  commit_all();
  EXPECT_THAT(written, IsEmpty()) << "it is over: what waited is not written any more";
}

}  // namespace
}  // namespace cascade
