#include "triggers/settle.hpp"

#include <gtest/gtest.h>

namespace cascade {
namespace {

using namespace std::chrono_literals;

verdict after(const outcome& how, int attempt, int attempts_max) {
  retry_policy policy;
  policy.kind = retry_kind::fixed;
  policy.base = 100ms;
  policy.jitter = 0;
  return settle(
      how, attempt, attempts_max, [&] { return policy; }, 0.5);
}

TEST(settle, only_a_retryable_failure_with_attempts_left_waits) {
  EXPECT_EQ(after(outcome::success(), 1, 1).state, task_state::completed);
  EXPECT_EQ(after(outcome::failure("no"), 1, 5).state, task_state::failed);
  EXPECT_EQ(after(outcome::cancelled(), 1, 5).state, task_state::cancelled);
  EXPECT_EQ(after(outcome::retry("later"), 1, 5).state, task_state::waiting);
  EXPECT_EQ(after(outcome::retry("later"), 1, 5).delay, 100ms);
  EXPECT_EQ(after(outcome::retry("later"), 4, 5).state, task_state::waiting);
  EXPECT_EQ(after(outcome::retry("later"), 5, 5).state, task_state::failed);
}

TEST(settle, the_handlers_own_wish_wins_over_the_policy) {
  EXPECT_EQ(after(outcome::retry("later", 3s), 1, 5).delay, 3s);
  EXPECT_EQ(after(outcome::retry("later", 0ms), 1, 5).delay, 0s);
}

TEST(settle, a_snooze_waits_as_long_as_it_says_and_uses_up_no_attempt) {
  for (const int attempt : {1, 5, 6, int{limits::attempts_max}}) {
    const verdict v = after(outcome::snooze(3s, "not there yet"), attempt, 5);
    EXPECT_EQ(v.state, task_state::waiting) << attempt;
    EXPECT_EQ(v.delay, 3s) << attempt;
    EXPECT_TRUE(v.snoozed) << attempt;
  }
  EXPECT_EQ(after(outcome::snooze(0ms), 1, 1).delay, 0s);
  outcome timeless = outcome::snooze(0ms);
  timeless.retry_in.reset();
  EXPECT_EQ(after(timeless, 1, 1).delay, 100ms);
}

TEST(settle, nothing_but_a_snooze_is_one) {
  for (const auto& how : {outcome::success(), outcome::failure("no"), outcome::cancelled(),
                          outcome::retry("later"), outcome::retry("later", 3s)})
    EXPECT_FALSE(after(how, 1, 5).snoozed);
}

TEST(settle, the_number_of_attempts_never_leaves_its_column) {
  EXPECT_EQ(after(outcome::retry("later"), limits::attempts_max, limits::attempts_max + 1).state,
            task_state::failed);
  EXPECT_EQ(after(outcome::retry("later"), limits::attempts_max - 1, limits::attempts_max).state,
            task_state::waiting);
}

}  // namespace
}  // namespace cascade
