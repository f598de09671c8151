// Commands, the end, and what happens when others are lost.
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// -- cancel ---------------------------------------------------------------------------------------

TEST_F(scheduler_test, a_cancelled_ready_task_never_starts) {
  slots = 1;
  run();
  arrive({task(1), task(2), task(3)});
  command("cancel_task", 2);
  const settlement s = commit();
  ASSERT_THAT(s.unrun, SizeIs(1));
  EXPECT_EQ(s.unrun[0].id, task_id{2});
  EXPECT_EQ(s.unrun[0].state, task_state::cancelled);
  EXPECT_THAT(s.commands, SizeIs(1)) << "in the same commit";
  EXPECT_THAT(stopped, IsEmpty());
  started();
  finish(1);
  EXPECT_THAT(started(), ElementsAre(3));
}

TEST_F(scheduler_test, a_cancelled_running_task_is_stopped_and_its_outcome_counts_no_more) {
  slots = 1;
  run({task(1)});
  started();
  command("cancel_task", 1);
  EXPECT_THAT(stopped, ElementsAre(1));
  EXPECT_EQ(commit().unrun.at(0).state, task_state::cancelled);
  arrive({task(2)});
  EXPECT_THAT(started(), IsEmpty()) << "the slot is taken until the pool says otherwise";
  finish(1, outcome::success("too late"));
  EXPECT_THAT(written, IsEmpty());
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_test, a_cancelled_ready_task_that_is_retried_runs_once) {
  slots = 1;
  run({task(1), task(2)});
  command("cancel_task", 2);
  command("retry_task", 2);
  commit_all();
  EXPECT_EQ(bells, 1) << "the inbox must look for the row that came back to life";
  arrive({task(2)});
  started();
  finish(1);
  EXPECT_THAT(started(), ElementsAre(2));
  finish(2);
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_test, a_cancelled_task_that_was_in_the_database_only_lives_again) {
  run();
  command("cancel_task", 5);
  command("retry_task", 5);
  commit_all();
  arrive({task(5)});
  EXPECT_THAT(started(), ElementsAre(5));
}

TEST_F(scheduler_test, a_task_gets_another_time_and_starts_once) {
  slots = 1;
  run({task(1), task(2), delayed(3, 1h)});
  started();
  commit_all();
  for (const int id : {2, 3}) {
    command("change_task", id, 0, R"({"run_at_us": 77})");
    const settlement s = commit();
    ASSERT_THAT(s.singles, SizeIs(1));
    EXPECT_EQ(s.singles[0].what, single_write::kind::change_task);
    EXPECT_EQ(s.singles[0].id, id);
    EXPECT_EQ(s.singles[0].number, id - 1) << "the command, which the statement tells";
    EXPECT_EQ(s.singles[0].text, R"({"run_at_us": 77})");
    EXPECT_THAT(s.commands, IsEmpty());
  }
  EXPECT_EQ(bells, 2) << "the inbox must look for the rows";
  finish(1);
  EXPECT_THAT(started(), IsEmpty());
  elapse(2h);
  EXPECT_THAT(started(), IsEmpty());
  commit_all();
  arrive({delayed(2, 10s), task(3)});
  EXPECT_THAT(started(), ElementsAre(3));
  EXPECT_EQ(number("delayed"), 1);
}

TEST_F(scheduler_test, a_task_that_is_not_in_memory_is_changed_only_in_its_row) {
  run();
  command("change_task", 7, 0, R"({"payload": {"n": 1}})");
  const settlement s = commit();
  ASSERT_THAT(s.singles, SizeIs(1));
  EXPECT_EQ(s.singles[0].what, single_write::kind::change_absent_task);
  command("change_task", 7, 0, "{}");
  EXPECT_EQ(commit().commands.at(0).outcome, "it says neither a time nor a payload");
}

TEST_F(scheduler_test, a_change_waits_for_the_record_that_the_task_will_be_tried_again) {
  run({task(1)});
  started();
  commit_all();
  finish(1, outcome::retry("broken"));
  command("change_task", 1, 0, R"({"payload": 2})");
  EXPECT_THAT(commit().backed_off, SizeIs(1));
  const settlement s = commit();
  ASSERT_THAT(s.singles, SizeIs(1));
  EXPECT_EQ(s.singles[0].what, single_write::kind::change_task) << "its delay has begun";
  elapse(1h);
  EXPECT_THAT(started(), IsEmpty()) << "what is left of it is its row";
}

TEST_F(scheduler_test, a_task_that_runs_gets_no_other_time) {
  run({task(1)});
  commit_all();
  command("change_task", 1, 0, R"({"run_at_us": 77})");
  const settlement s = commit();
  EXPECT_THAT(s.singles, IsEmpty());
  ASSERT_THAT(s.commands, SizeIs(1));
  EXPECT_EQ(s.commands[0].outcome, "the task is running");
  EXPECT_THAT(stopped, IsEmpty());
}

TEST_F(scheduler_test, the_tasks_of_a_cancelled_job_are_stopped_or_void) {
  slots = 1;
  run();
  attach(7);
  attach(8);
  arrive({of_job(7, task(1), "a"), of_job(7, task(2), "b"), of_job(7, delayed(3, 1s), "c"),
          of_job(8, task(4), "a")});
  started();
  tell(job(7), scheduler, forget_job_tasks{job_id{7}});
  settle();
  EXPECT_THAT(stopped, ElementsAre(1));
  finish(1, outcome::cancelled());
  EXPECT_THAT(started(), ElementsAre(4));
  EXPECT_THAT(job_parts[7].settled, IsEmpty());
  finish(4);
  elapse(1h);
  arrive({of_job(7, task(5), "late")});
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_test, a_job_that_lives_again_starts_nothing_by_its_old_keys) {
  slots = 1;
  run({task(9)});
  attach(7, "");
  started();
  arrive({of_job(7, task(1)), of_job(7, delayed(3, 1s))});
  tell(job(7), scheduler, forget_job_tasks{job_id{7}});
  tell(job(7), scheduler, job_ended{job_id{7}});
  settle();
  EXPECT_EQ(number("delayed"), 1);
  attach(7, "");
  EXPECT_EQ(number("delayed"), 0);
  arrive({of_job(7, task(3))});
  finish(9);
  EXPECT_THAT(started(), ElementsAre(3));
  finish(3);
  elapse(2s);
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_test, a_paused_job_keeps_its_tasks_and_their_order) {
  slots = 1;
  run();
  attach(7, "");
  arrive({task(9), of_job(7, task(1)), of_job(7, task(2)), of_job(7, task(3)), task(4)});
  command("pause_job", 0, 7);
  commit();
  started();
  finish(9);
  EXPECT_THAT(started(), ElementsAre(4));
  command("resume_job", 0, 7);
  finish(4);
  ids order = started();
  for (const int id : {1, 2}) {
    finish(id);
    for (const auto next : started()) order.push_back(next);
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(scheduler_test, a_command_that_crosses_the_end_of_its_job_is_not_lost) {
  run();
  attach(7);
  command("cancel_task", 1, 7);
  command("cancel_job", 0, 7);
  command("retry_job", 0, 7);
  EXPECT_THAT(written, IsEmpty());
  tell(job(7), scheduler, job_ended{job_id{7}, 1});  // it has seen the first one only
  settle();
  const settlement second = commit();
  ASSERT_THAT(second.commands, SizeIs(1));
  EXPECT_EQ(second.commands[0].outcome, "the job has finished");
  const settlement third = commit();
  ASSERT_THAT(third.singles, SizeIs(1));
  EXPECT_EQ(third.singles[0].what, single_write::kind::reopen_job);
  EXPECT_THAT(written, IsEmpty());
}

// -- others are lost ------------------------------------------------------------------------------

TEST_F(scheduler_test, tasks_of_a_lost_quick_worker_are_ready_again) {
  run();
  arrive({quick(1), quick(2), task(3)});
  EXPECT_EQ(number("running"), 3);
  tell(pool, scheduler, quick_lost{});
  settle();
  EXPECT_EQ(number("running"), 1) << "what has a slot goes on";
  EXPECT_EQ(number("quick_out"), 0);
  EXPECT_EQ(number("ready"), 2);
  finish_quick(1);
  EXPECT_THAT(written, IsEmpty()) << "its outcome comes from a lost attempt";
}

TEST_F(scheduler_test, a_lost_pool_ends_the_scheduler) {
  run({task(1)});
  watch(scheduler);
  caf::anon_send_exit(pool, caf::exit_reason::kill);
  const auto why = ended();
  ASSERT_TRUE(why);
  EXPECT_EQ(*why, errc::cancelled);
}

TEST_F(scheduler_test, a_lost_job_actor_ends_the_scheduler_unless_its_job_was_over) {
  run();
  attach(7);
  attach(8);
  watch(scheduler);
  tell(job(7), scheduler, job_ended{job_id{7}, 0});
  settle();
  caf::anon_send_exit(job(7), caf::exit_reason::kill);
  EXPECT_FALSE(ended());
  caf::anon_send_exit(job(8), caf::exit_reason::kill);
  const auto why = ended();
  ASSERT_TRUE(why);
  EXPECT_EQ(*why, errc::cancelled);
}

// Its memory is as if the command had been carried out, and the rows are not.
TEST_F(scheduler_test, a_command_that_the_database_refuses_ends_the_scheduler) {
  run();
  arrive({task(1), task(2)});
  watch(scheduler);
  finish(2);
  commit("a result that cannot be stored");
  EXPECT_FALSE(ended());
  command("cancel_task", 1);
  commit("no");
  const auto why = ended();
  ASSERT_TRUE(why);
  EXPECT_EQ(*why, errc::database_rejected);
}

}  // namespace
}  // namespace cascade
