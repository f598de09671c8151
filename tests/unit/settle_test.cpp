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

TEST(settle, the_number_of_attempts_never_leaves_its_column) {
  EXPECT_EQ(after(outcome::retry("later"), limits::attempts_max, limits::attempts_max + 1).state,
            task_state::failed);
  EXPECT_EQ(after(outcome::retry("later"), limits::attempts_max - 1, limits::attempts_max).state,
            task_state::waiting);
}

}  // namespace
}  // namespace cascade
