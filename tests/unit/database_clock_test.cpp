#include "triggers/database_clock.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using namespace std::chrono_literals;
using monotonic = database_clock::monotonic;
using std::chrono::microseconds;

const instant day = instant_of(1'790'000'000'000'000);

TEST(database_clock, tells_the_time_and_when_it_will_be) {
  const database_clock clock{monotonic(1h), day};
  EXPECT_EQ(clock.now(monotonic(1h)), day);
  EXPECT_EQ(clock.now(monotonic(1h + 1s)), day + 1s - 50us);
  EXPECT_EQ(clock.now(monotonic(1h - 1s)), day - 1s - 50us);
  for (const microseconds in : {1us, 999us, 1'000'003us, 300'000'000us, 3'600'000'001us}) {
    const monotonic at = clock.when(day + in);
    EXPECT_GE(clock.now(at), day + in - 20us) << in.count();
    EXPECT_LT(clock.now(at - 2ms), day + in) << in.count();
  }
}

// Answers take from 100 us to 50 ms, the clocks run apart by up to 40 ppm.
TEST(clock_estimate, is_never_ahead_and_little_behind) {
  std::mt19937_64 random(test_seed());
  for (const double ppm : {-40.0, 0.0, 40.0}) {
    clock_estimate estimate;
    const auto there = [&](monotonic at) {
      return day +
             std::chrono::duration_cast<microseconds>(at.time_since_epoch() * (1 + ppm / 1e6));
    };
    monotonic now(5s);
    for (int i = 0; i < 2'000; ++i) {
      const auto way = microseconds(random() % 10 == 0 ? 100 : 100 + random() % 50'000);
      const instant seen = there(now);
      now += way;
      estimate.read(seen, now);
      for (const auto later : {0us, 1'000us, 3'000'000us}) {
        const auto behind = there(now + later) - estimate.clock().now(now + later);
        ASSERT_GE(behind, -1us) << ppm;
        if (i > 100) {
          ASSERT_LE(behind, 100us + 2ms) << ppm;
        }
      }
      now += microseconds(random() % 200'000);
    }
    EXPECT_EQ(estimate.steps(), 0u);
    EXPECT_NEAR(estimate.drift_ppm(), ppm, 20) << "over minutes, from answers that differ";
  }
}

TEST(clock_estimate, follows_a_step_forward_at_once_and_one_back_within_a_window) {
  clock_estimate estimate;
  monotonic now(1s);
  instant there = day;
  const auto pass = [&](std::chrono::seconds s) {
    now += s;
    there += s;
    estimate.read(there, now);
  };
  for (int i = 0; i < 60; ++i) pass(1s);
  EXPECT_EQ(estimate.steps(), 0u);
  there += 1h;
  pass(1s);
  EXPECT_EQ(estimate.clock().now(now), there);
  EXPECT_EQ(estimate.steps(), 1u);
  there -= 2h;
  int reads = 0;
  for (; estimate.clock().now(now) > there + 1ms; ++reads) pass(1s);
  EXPECT_LE(reads, clock_estimate::window.count() + 1);
  EXPECT_EQ(estimate.steps(), 2u);
}

TEST(clock_estimate, what_is_older_than_the_window_counts_no_longer) {
  clock_estimate estimate;
  estimate.read(day, monotonic(1s));
  // An hour without a connection, and a first answer that took 100 ms.
  estimate.read(day + 1h - 100ms, monotonic(1h + 1s));
  EXPECT_EQ(estimate.clock().now(monotonic(1h + 1s)), day + 1h - 100ms);
}

}  // namespace
}  // namespace cascade
