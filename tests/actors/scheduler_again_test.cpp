// Tasks and jobs that were stopped and live again, and what their old attempts and actors say of it.
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(scheduler_test, a_task_that_is_retried_waits_until_its_old_attempt_has_ended) {
  run({task(1)});
  started();
  command("cancel_task", 1);
  commit_all();
  command("retry_task", 1);
  commit_all();
  arrive({task(1)});
  EXPECT_THAT(started(), IsEmpty());
  elapse(10s);
  EXPECT_THAT(started(), IsEmpty());
  finish(1, outcome::cancelled());
  elapse(200ms);
  EXPECT_THAT(started(), ElementsAre(1));
  finish(1);
  EXPECT_EQ(commit().completed.at(0).state, task_state::completed);
  EXPECT_EQ(number("free_slots"), 4);
}

TEST_F(scheduler_test, one_that_waits_for_that_can_be_cancelled) {
  run({task(1)});
  started();
  command("cancel_task", 1);
  command("retry_task", 1);
  commit_all();
  arrive({task(1)});
  command("cancel_task", 1);
  commit_all();
  finish(1, outcome::cancelled());
  elapse(10s);
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_test,
       an_attempt_of_before_the_load_that_is_out_of_date_ends_before_the_next_begins) {
  still_running = {{task_id{1}, 3, {}}};
  in_pool[1] = still_running[0];
  run({task(1)});
  EXPECT_THAT(stopped, ElementsAre(1));
  EXPECT_THAT(started(), IsEmpty());
  finish(1, outcome::cancelled());
  elapse(200ms);
  EXPECT_THAT(started(), ElementsAre(1));
}

TEST_F(scheduler_test, so_does_one_whose_task_has_ended_meanwhile_and_is_retried) {
  still_running = {{task_id{1}, 1, {}}};
  in_pool[1] = still_running[0];
  run();
  EXPECT_THAT(stopped, ElementsAre(1));
  arrive({task(1)});
  EXPECT_THAT(started(), IsEmpty());
  finish(1, outcome::cancelled());
  elapse(200ms);
  EXPECT_THAT(started(), ElementsAre(1));
}

TEST_F(scheduler_test, a_cancelled_task_that_comes_back_with_a_backlog_runs) {
  run();
  command("cancel_task", 5);  // it is not in memory
  commit_all();
  command("retry_task", 5);
  commit_all();
  tell(inbox, scheduler, work_arrived{{}, work_arrived::kind::fresh, 1});
  tell(inbox, scheduler,
       work_arrived{{{task(5)}, {}, {}, {}}, work_arrived::kind::backlog, 0, true});
  settle();
  EXPECT_THAT(started(), ElementsAre(5));
}

TEST_F(scheduler_test, a_step_that_is_redriven_and_comes_back_with_a_backlog_runs) {
  run();
  attach(7);
  tell(job(7), scheduler, forget_task{task_id{5}, job_id{7}});
  tasks_released first;
  first.job = job_id{7};
  first.revived = {task_id{5}};
  tell(job(7), scheduler, std::move(first));
  tell(inbox, scheduler, work_arrived{{}, work_arrived::kind::fresh, 1});
  tell(inbox, scheduler,
       work_arrived{{{of_job(7, task(5), "a")}, {}, {}, {}}, work_arrived::kind::backlog, 0, true});
  settle();
  EXPECT_THAT(started(), ElementsAre(5));
}

TEST_F(scheduler_test, what_a_job_did_not_record_before_it_ended_is_not_waited_for) {
  run();
  attach(7);
  arrive({of_job(7, task(1), "a"), of_job(7, task(2), "b")});
  started();
  finish(1);
  finish(2);
  EXPECT_EQ(number("unrecorded"), 2);
  tell(job(7), scheduler, tasks_released{job_id{7}, 1, {}});
  tell(job(7), scheduler, job_ended{job_id{7}});
  settle();
  EXPECT_EQ(number("unrecorded"), 0);
}

TEST_F(scheduler_test, a_job_that_was_resumed_before_its_actor_was_there_goes_on) {
  run();
  attach(7, "w", true);
  command("resume_job", 0, 7);
  tell(job(7), scheduler, job_attached{job_id{7}, false, true});
  arrive({of_job(7, task(1), "a")});
  EXPECT_THAT(started(), ElementsAre(1));
}

}  // namespace
}  // namespace cascade
