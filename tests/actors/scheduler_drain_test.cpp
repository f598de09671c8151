// The end of a scheduler: what runs may end, or is stopped and goes back.
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST_F(scheduler_test, a_drain_starts_nothing_more_and_waits_for_what_runs_and_its_commit) {
  slots = 2;
  run({task(1), task(2), task(3)});
  started();
  auto answer = begin_ask(scheduler, drain{10s});
  finish(1);
  EXPECT_THAT(started(), IsEmpty());
  commit();
  finish(2);
  EXPECT_FALSE(self->has_next_message());
  commit();
  EXPECT_EQ(take<drained>(answer)->left, 0u);
}

TEST_F(scheduler_test, a_drain_ends_with_the_commit_of_the_last_step_of_a_job) {
  run();
  attach(7);
  arrive({of_job(7, task(1), "a")});
  auto answer = begin_ask(scheduler, drain{10s});
  finish(1);
  EXPECT_FALSE(self->has_next_message());
  tell(job(7), scheduler, tasks_released{job_id{7}, 1, {}});
  const auto done = take<drained>(answer);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->left, 0u);
}

TEST_F(scheduler_test, a_drain_gives_up_in_time_and_says_how_many_are_left) {
  run({task(1), task(2)});
  auto answer = begin_ask(scheduler, drain{10s});
  elapse(9999ms);
  EXPECT_THAT(stopped, IsEmpty());
  elapse(1ms);
  EXPECT_THAT(stopped, UnorderedElementsAre(1, 2));
  elapse(6999ms);
  EXPECT_FALSE(self->has_next_message());
  elapse(1ms);
  EXPECT_EQ(take<drained>(answer)->left, 2u);
}

TEST_F(scheduler_test, what_a_drain_has_to_stop_goes_back_without_a_charge) {
  run({task(1), task(2)});
  started();
  auto answer = begin_ask(scheduler, drain{10s});
  elapse(10s);
  EXPECT_THAT(commit().started, SizeIs(2)) << "they are shown as running by now";
  finish(1, outcome::cancelled());
  finish(2);
  const settlement back = commit();
  ASSERT_THAT(back.backed_off, SizeIs(1));
  EXPECT_EQ(back.backed_off[0].id, task_id{1});
  EXPECT_TRUE(back.backed_off[0].snoozed) << "the attempt is not used up";
  EXPECT_FALSE(self->has_next_message()) << "not all of it is committed";
  EXPECT_THAT(commit().completed, SizeIs(1));
  EXPECT_EQ(take<drained>(answer)->left, 0u);
  elapse(1s);
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_test, a_drain_waits_for_what_was_told_to_stop_before_as_long_as_it_may) {
  run({task(1)});
  command("cancel_task", 1);
  commit_all();
  auto answer = begin_ask(scheduler, drain{10s});
  elapse(16s);
  EXPECT_FALSE(self->has_next_message());
  finish(1, outcome::cancelled());
  EXPECT_EQ(take<drained>(answer)->left, 0u);
}

TEST_F(scheduler_test, a_drain_of_an_idle_node_is_over_at_once) {
  run();
  const auto done = ask<drained>(scheduler, drain{10s});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->left, 0u);
}

}  // namespace
}  // namespace cascade
