// What must be in the database before something else happens.
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// -- running is written behind --------------------------------------------------------------------

TEST_F(scheduler_test, a_short_task_is_written_once_when_it_is_over) {
  settings.running_after = 20ms;
  run({task(1)});
  elapse(19ms);
  EXPECT_THAT(written, IsEmpty());
  finish(1, outcome::success("42"));
  const settlement s = commit();
  EXPECT_THAT(s.started, IsEmpty());
  ASSERT_THAT(s.completed, SizeIs(1));
  EXPECT_EQ(s.completed[0].result, "42");
  EXPECT_EQ(s.completed[0].finished - s.completed[0].started, 19ms);
  elapse(1h);
  EXPECT_THAT(written, IsEmpty()) << "it is over: nothing is written behind";
}

TEST_F(scheduler_test, a_task_that_still_runs_after_running_after_is_written_as_running_once) {
  settings.running_after = 20ms;
  run({task(1)});
  const monotonic start = in_pool.at(1).started;
  elapse(18ms);
  EXPECT_THAT(written, IsEmpty());
  elapse(3ms);
  const settlement s = commit();
  ASSERT_THAT(s.started, SizeIs(1));
  EXPECT_EQ(s.started[0].id, task_id{1});
  EXPECT_EQ(s.started[0].started, start);
  elapse(1h);
  EXPECT_THAT(written, IsEmpty());
}

TEST_F(scheduler_test, an_adopted_task_is_written_as_running_only_if_its_row_does_not_say_so) {
  still_running = {{task_id{1}, 1, {}}, {task_id{2}, 2, {}}};
  arrival known = task(2);
  known.state = task_state::running;
  known.attempt = 2;
  run({task(1), known});
  elapse(1s);
  const settlement s = commit();
  ASSERT_THAT(s.started, SizeIs(1));
  EXPECT_EQ(s.started[0].id, task_id{1});
  EXPECT_THAT(written, IsEmpty());
}

// -- after an unclean end of the last owner -------------------------------------------------------

TEST_F(scheduler_test, after_an_unclean_takeover_nothing_starts_before_its_running_is_committed) {
  run({task(1), quick(2), task(3)}, true);
  EXPECT_THAT(started(), IsEmpty());
  elapse(1h);
  EXPECT_THAT(started(), IsEmpty());
  const settlement s = commit();
  ASSERT_THAT(s.started, SizeIs(3));
  EXPECT_EQ(s.started[0].attempt, 1);
  EXPECT_THAT(started(), ElementsAre(1, 3, 2));
}

TEST_F(scheduler_test, work_that_came_after_an_unclean_takeover_is_not_held_up) {
  run({}, true);
  arrive({task(1)});
  EXPECT_THAT(started(), ElementsAre(1));
  EXPECT_THAT(written, IsEmpty());
}

TEST_F(scheduler_test, after_a_clean_end_the_load_starts_at_once) {
  run({task(1)}, false);
  EXPECT_THAT(started(), ElementsAre(1));
}

TEST_F(scheduler_test, a_task_cancelled_before_its_running_was_committed_gives_its_slot_back) {
  slots = 1;
  run({task(1)}, true);
  command("cancel_task", 1);
  commit_all();
  EXPECT_THAT(started(), IsEmpty()) << "it is cancelled";
  arrive({task(2)});
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_test, a_cancelled_job_gives_back_the_slots_of_what_had_not_begun) {
  slots = 2;
  run({of_job(7, task(1), "a"), of_job(7, task(2), "b")}, true);
  tell(job(7), scheduler, job_attached{job_id{7}, false, false});
  tell(job(7), scheduler, forget_job_tasks{job_id{7}});
  settle();
  commit_all();
  arrive({task(3), task(4)});
  EXPECT_THAT(started(), ElementsAre(3, 4));
}

// -- after recorded -------------------------------------------------------------------------------

TEST_F(scheduler_test, a_retry_is_armed_only_when_the_failed_attempt_is_committed) {
  run({task(1)});
  finish(1, outcome::retry("no", 10ms));
  elapse(1h);
  EXPECT_EQ(number("delayed"), 0);
  EXPECT_EQ(number("unrecorded"), 1);
  commit();
  EXPECT_EQ(number("delayed"), 1);
  EXPECT_EQ(number("unrecorded"), 0);
}

TEST_F(scheduler_test, outcomes_of_steps_go_to_their_job_and_not_to_the_database) {
  run();
  attach(7);
  arrive({of_job(7, task(1), "a"), of_job(7, task(2))});
  finish(1, outcome::success("\"x\""));
  EXPECT_THAT(written, IsEmpty());
  ASSERT_THAT(job_parts[7].settled, SizeIs(1));
  EXPECT_EQ(job_parts[7].settled[0].step, "a");
  EXPECT_EQ(job_parts[7].settled[0].result, "\"x\"");
  finish(2);
  EXPECT_THAT(commit().completed, SizeIs(1)) << "a task that a handler added is no step";
}

TEST_F(scheduler_test, what_a_job_releases_runs_and_its_outcomes_are_counted_as_recorded) {
  run();
  attach(7);
  arrive({of_job(7, task(1), "a")});
  started();
  finish(1);
  EXPECT_EQ(number("unrecorded"), 1);
  EXPECT_THAT(started(), IsEmpty());
  tell(job(7), scheduler, tasks_released{job_id{7}, 1, {of_job(7, task(2), "b")}});
  settle();
  EXPECT_EQ(number("unrecorded"), 0);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_test, outcomes_and_commands_wait_for_a_job_whose_actor_is_not_there_yet) {
  run({of_job(7, task(1), "a")});
  ASSERT_THAT(job_starts, SizeIs(1));
  finish(1);
  command("cancel_task", 1, 7);
  EXPECT_THAT(written, IsEmpty());
  tell(job(7), scheduler, job_attached{job_id{7}, false, false});
  settle();
  EXPECT_THAT(job_parts[7].settled, SizeIs(1));
  EXPECT_THAT(job_parts[7].commands, SizeIs(1));
}

TEST_F(scheduler_test, a_job_is_told_when_nothing_of_it_is_left_and_only_after_the_commit) {
  run();
  attach(7, "");
  const int before = job_parts[7].idles;
  arrive({of_job(7, task(1)), of_job(7, task(2))});
  finish(1);
  finish(2);
  EXPECT_EQ(job_parts[7].idles, before);
  commit();
  EXPECT_EQ(job_parts[7].idles, before);
  commit();
  EXPECT_EQ(job_parts[7].idles, before + 1);
}

// -- a restart of the engine alone ----------------------------------------------------------------

TEST_F(scheduler_test, outcomes_that_come_before_the_load_are_kept_until_it_is_over) {
  still_running = {{task_id{1}, 1, {}}};
  in_pool[1] = still_running[0];
  slots = 1;
  start();
  up();
  finish(1, outcome::success("7"));
  EXPECT_THAT(written, IsEmpty());
  load({task(1), task(2)});
  const settlement s = commit();
  ASSERT_THAT(s.completed, SizeIs(1));
  EXPECT_EQ(s.completed[0].result, "7");
  EXPECT_THAT(started(), ElementsAre(2)) << "its slot is free again";
}

TEST_F(scheduler_test, the_load_begins_once_the_pool_has_told_what_runs_and_the_inbox_is_there) {
  scheduler = keep(spawn_scheduler(sys, context(), {gateway, pool, recorder, catalog, jobs}));
  settle();
  EXPECT_THAT(loads, IsEmpty());
  tell(inbox, scheduler, attach_inbox{});
  settle();
  EXPECT_THAT(loads, SizeIs(1));
  tell(inbox, scheduler, attach_inbox{});
  settle();
  EXPECT_THAT(loads, SizeIs(1)) << "once an epoch";
}

}  // namespace
}  // namespace cascade
