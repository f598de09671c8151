// No wake-up is lost on a real Postgres: inserts, commits, bells and the owner's steps to sleep are
// interleaved at random, with pauses at every point and the fallback poll off, and no committed row
// stays unseen while the owner sleeps. CASCADE_TEST_ROUNDS says how many rounds (100000 for the full
// proof), CASCADE_SEED repeats the schedule. tests/property/doorbell_test.cpp does the same without
// a database.
#include <gtest/gtest.h>

#include "tests/support/doorbell_world.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

void report(const test::doorbell_world& world, std::uint64_t rounds) {
  const auto& c = world.count;
  const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  std::printf(
      "%llu rounds, %llu rows, %llu bells, fell asleep %llu times, woke %llu times, locks refused "
      "%llu times, %llu stops at gates; rounds with rows unseen while asleep: %llu\n",
      n(rounds), n(c.rows), n(c.bells), n(c.sleeps), n(c.wakes), n(c.refused), n(c.gates),
      n(c.lost));
}

TEST(doorbell, leaves_no_committed_row_unseen_while_the_owner_sleeps) {
  const auto rounds = number("CASCADE_TEST_ROUNDS", 2'000);
  test::doorbell_world world(test_seed(), false);
  for (std::uint64_t i = 0; i < rounds; ++i) {
    world.round();
    ASSERT_EQ(world.count.lost, 0u) << "in round " << i;
    ASSERT_TRUE(world.exact()) << "in round " << i;
  }
  report(world, rounds);
  // Rounds that never slept, never were refused and never rang would prove nothing.
  EXPECT_GT(world.count.sleeps, rounds / 4);
  EXPECT_GT(world.count.bells, rounds / 4);
  EXPECT_GT(world.count.wakes, rounds / 50);
  EXPECT_GT(world.count.refused, rounds / 50);
  EXPECT_GT(world.count.gates, rounds / 4);
}

TEST(doorbell, would_leave_rows_unseen_without_the_last_read) {
  test::doorbell_world world(test_seed(), true);
  std::uint64_t rounds = 0;
  while (world.count.lost == 0 && rounds < 20'000) world.round(), ++rounds;
  report(world, rounds);
  EXPECT_GT(world.count.lost, 0u);
}

}  // namespace
}  // namespace cascade
