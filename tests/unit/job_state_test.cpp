#include "state/job_state.hpp"

#include <gtest/gtest.h>

namespace cascade {
namespace {

constexpr int state_count = static_cast<int>(job_state_names.size());
constexpr int event_count = static_cast<int>(job_event::redrive) + 1;

TEST(job_state, every_pair_of_state_and_event_is_legal_exactly_when_the_table_says_so) {
  for (int s = 0; s < state_count; ++s)
    for (int e = 0; e < event_count; ++e) {
      int rows = 0;
      for (const auto& t : job_transitions)
        if (t.from == static_cast<job_state>(s) && t.on == static_cast<job_event>(e)) {
          ++rows;
          EXPECT_EQ(next(t.from, t.on), t.to);
        }
      EXPECT_LE(rows, 1);
      EXPECT_EQ(next(static_cast<job_state>(s), static_cast<job_event>(e)).has_value(), rows == 1);
    }
}

TEST(job_state, a_finished_job_moves_only_when_an_operator_asks_for_another_round) {
  for (const auto& t : job_transitions)
    if (is_finished(t.from)) {
      EXPECT_EQ(t.on, job_event::redrive);
    }
  for (int e = 0; e < event_count; ++e)
    EXPECT_FALSE(next(job_state::completed, static_cast<job_event>(e)));
}

TEST(job_state, every_unfinished_job_can_be_cancelled) {
  for (int s = 0; s < state_count; ++s) {
    const auto state = static_cast<job_state>(s);
    EXPECT_EQ(next(state, job_event::cancel).has_value(), !is_finished(state))
        << job_state_names[s];
  }
}

TEST(job_state, names_are_read_back) {
  for (int s = 0; s < state_count; ++s)
    EXPECT_EQ(parse_job_state(job_state_names[s]), static_cast<job_state>(s));
  EXPECT_FALSE(parse_job_state("done"));
}

}  // namespace
}  // namespace cascade
