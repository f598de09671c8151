// Tasks with the same concurrency_key. The limit itself is changed in tests/db/scheduler_time_dbtest.cpp.
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

arrival keyed(std::int64_t id, const std::string& key, int priority = 50,
              const std::string& handler = "work") {
  arrival a = scheduler_parts::task(id, priority, "default", handler);
  a.body.concurrency_key = key;
  return a;
}

TEST_F(scheduler_test, tasks_with_the_same_key_run_one_after_the_other) {
  slots = 10;
  run({keyed(1, "a"), keyed(2, "a"), keyed(3, "a", 90), keyed(4, "b"), task(5)});
  EXPECT_THAT(started(), ElementsAre(3, 4, 5)) << "the most urgent of each key, and who has none";
  finish(3);
  EXPECT_THAT(started(), ElementsAre(1));
  finish(1, outcome::retry("once more"));
  EXPECT_THAT(started(), ElementsAre(2)) << "a back-off holds no slot";
}

TEST_F(scheduler_test, who_waits_for_a_key_does_not_start_before_what_is_more_urgent) {
  slots = 2;
  run({keyed(1, "a"), keyed(2, "a", 40), task(5, 45)});
  EXPECT_THAT(started(), ElementsAre(1, 5));
  finish(5);
  EXPECT_THAT(started(), IsEmpty());
  arrive({task(3, 60), task(6, 60), task(4, 30)});
  EXPECT_THAT(started(), ElementsAre(3));
  finish(1);
  EXPECT_THAT(started(), ElementsAre(6));
  finish(3);
  EXPECT_THAT(started(), ElementsAre(2));
  finish(6);
  EXPECT_THAT(started(), ElementsAre(4));
}

TEST_F(scheduler_test, a_cancelled_run_keeps_its_slot_until_it_has_ended) {
  slots = 10;
  run({keyed(1, "a"), keyed(2, "a"), keyed(3, "a")});
  started();
  command("cancel_task", 2);
  command("cancel_task", 1);
  EXPECT_THAT(stopped, ElementsAre(1));
  commit_all();
  EXPECT_THAT(started(), IsEmpty());
  finish(1);
  EXPECT_THAT(started(), ElementsAre(3)) << "the second was cancelled while it waited";
}

TEST_F(scheduler_test, what_runs_already_when_the_scheduler_begins_has_its_slot) {
  slots = 10;
  still_running = {{task_id{1}, 1, {}}};
  in_pool[1] = still_running[0];
  arrival known = keyed(1, "a");
  known.state = task_state::running;
  known.attempt = 1;
  run({keyed(2, "a"), known});
  EXPECT_THAT(started(), IsEmpty());
  finish(1);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_test, tasks_of_a_lost_quick_worker_give_their_slots_back) {
  run({keyed(1, "a", 50, "quick"), keyed(2, "a", 50, "quick")});
  EXPECT_THAT(started(), ElementsAre(1));
  tell(pool, scheduler, quick_lost{});
  elapse(20ms);
  // Its row must be read again; what waits goes on meanwhile.
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_test, a_paused_job_holds_no_slot) {
  slots = 10;
  run();
  attach(7, "");
  arrive({keyed(1, "a"), of_job(7, keyed(2, "a")), keyed(3, "a")});
  EXPECT_THAT(started(), ElementsAre(1));
  command("pause_job", 0, 7);
  finish(1);
  EXPECT_THAT(started(), ElementsAre(3));
  command("resume_job", 0, 7);
  EXPECT_THAT(started(), IsEmpty());
  finish(3);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_test, a_cancelled_job_leaves_no_slot_behind) {
  slots = 10;
  run();
  attach(7, "");
  arrive({of_job(7, keyed(1, "a")), of_job(7, keyed(2, "a")), keyed(3, "a")});
  EXPECT_THAT(started(), ElementsAre(1));
  tell(job(7), scheduler, forget_job_tasks{job_id{7}});
  settle();
  EXPECT_THAT(stopped, ElementsAre(1));
  EXPECT_THAT(started(), IsEmpty());
  finish(1);
  EXPECT_THAT(started(), ElementsAre(3));
}

}  // namespace
}  // namespace cascade
