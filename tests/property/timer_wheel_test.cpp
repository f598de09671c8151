#include "triggers/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using namespace std::chrono_literals;
using tick = timer_wheel::tick;

struct named_node : timer_node {
  int name = 0;
};

class timer_wheel_test : public ::testing::Test {
public:
  timer_wheel wheel;
  std::deque<named_node> nodes;

  named_node& arm(int name, tick due) {
    auto& n = nodes.emplace_back();
    n.name = name;
    wheel.schedule(n, due);
    return n;
  }
  std::vector<int> advance(tick now) {
    std::vector<int> fired;
    wheel.advance(now, [&](timer_node& n) { fired.push_back(static_cast<named_node&>(n).name); });
    return fired;
  }
};

using names = std::vector<int>;

TEST_F(timer_wheel_test, an_entry_fires_at_its_tick_and_not_before) {
  arm(1, 1000);
  EXPECT_EQ(advance(999), names{});
  EXPECT_EQ(advance(1000), names{1});
  EXPECT_EQ(wheel.count(), 0u);
}

TEST_F(timer_wheel_test, entries_of_a_tick_fire_in_order_of_insertion_even_across_levels) {
  arm(1, 70'000);
  EXPECT_EQ(advance(69'000), names{});
  arm(2, 70'000);
  EXPECT_EQ(advance(69'999), names{});
  arm(3, 70'000);
  EXPECT_EQ(advance(80'000), (names{1, 2, 3}));
}

TEST_F(timer_wheel_test, a_jump_over_years_fires_everything_in_order_of_time) {
  const tick day = 86'400'000;
  for (const auto& [name, due] :
       std::map<int, tick>{{4, 100 * day}, {1, 5}, {3, 49 * day}, {5, 5000 * day}, {2, 256}})
    arm(name, due);
  EXPECT_EQ(advance(10'000 * day), (names{1, 2, 3, 4, 5}));
}

TEST_F(timer_wheel_test, what_is_not_in_the_future_fires_at_the_next_tick) {
  advance(500);
  arm(1, 3);
  arm(2, 500);
  EXPECT_EQ(wheel.next_wakeup(), 501u);
  EXPECT_EQ(advance(500), names{});
  EXPECT_EQ(advance(501), (names{1, 2}));
}

TEST_F(timer_wheel_test, the_next_wakeup_is_never_too_late_and_soon_exact) {
  EXPECT_EQ(wheel.next_wakeup(), std::nullopt);
  const tick due = 41ull * 86'400'000 + 12'345;
  arm(1, due);
  int wakeups = 0;
  while (wheel.count() > 0) {
    const auto next = wheel.next_wakeup();
    ASSERT_TRUE(next && *next <= due && *next > wheel.now());
    advance(*next);
    ++wakeups;
  }
  EXPECT_EQ(wheel.now(), due);
  EXPECT_LE(wakeups, 4);
  EXPECT_EQ(wheel.next_wakeup(), std::nullopt);
}

TEST_F(timer_wheel_test, a_cancelled_entry_leaves_no_wakeup_behind) {
  auto& n = arm(1, 90'000);
  EXPECT_TRUE(wheel.cancel(n));
  EXPECT_FALSE(wheel.cancel(n));
  EXPECT_EQ(wheel.next_wakeup(), std::nullopt);
}

TEST_F(timer_wheel_test, a_moved_entry_fires_once_at_its_new_tick) {
  auto& n = arm(1, 10);
  wheel.schedule(n, 1'000'000);
  EXPECT_EQ(advance(999'999), names{});
  wheel.schedule(n, 1'000'005);
  EXPECT_EQ(advance(2'000'000), names{1});
}

TEST_F(timer_wheel_test, an_entry_may_arm_itself_again_while_it_fires) {
  auto& n = arm(0, 10);
  int times = 0;
  wheel.advance(100, [&](timer_node&) {
    ++times;
    wheel.schedule(n, wheel.now() + 10);
  });
  EXPECT_EQ(times, 10);
  EXPECT_EQ(n.due(), 110u);
}

TEST_F(timer_wheel_test, an_entry_may_cancel_others_of_the_same_tick) {
  auto& a = arm(1, 10);
  auto& b = arm(2, 10);
  arm(3, 10);
  names fired;
  wheel.advance(10, [&](timer_node& n) {
    fired.push_back(static_cast<named_node&>(n).name);
    if (&n == &a) {
      EXPECT_TRUE(wheel.cancel(b));
    }
  });
  EXPECT_EQ(fired, (names{1, 3}));
}

TEST_F(timer_wheel_test, an_exception_loses_nothing) {
  arm(1, 10);
  arm(2, 10);
  arm(3, 11);
  EXPECT_THROW(wheel.advance(20, [](timer_node&) { throw 1; }), int);
  EXPECT_EQ(wheel.next_wakeup(), 10u);
  EXPECT_EQ(advance(20), (names{2, 3}));
}

TEST_F(timer_wheel_test, entries_and_wheel_may_go_in_any_order) {
  named_node survivor;
  {
    timer_wheel short_lived;
    named_node dies_first;
    short_lived.schedule(survivor, 5);
    short_lived.schedule(dies_first, 5);
  }
  EXPECT_FALSE(survivor.armed());
  wheel.schedule(survivor, 7);
  EXPECT_EQ(wheel.cancel_all(), 1u);
}

TEST_F(timer_wheel_test, a_wheel_may_start_at_any_tick) {
  timer_wheel late(~tick{0} - 1000);
  named_node n;
  late.schedule(n, ~tick{0} - 10);
  EXPECT_EQ(late.advance(~tick{0} - 11, [](timer_node&) {}), 0u);
  EXPECT_EQ(late.advance(~tick{0} - 10, [](timer_node&) {}), 1u);
}

TEST(timer_ticks, due_times_round_up_and_the_present_rounds_down) {
  EXPECT_EQ(ticks_up(0ns), 0u);
  EXPECT_EQ(ticks_up(1ns), 1u);
  EXPECT_EQ(ticks_up(1ms), 1u);
  EXPECT_EQ(ticks_up(1ms + 1ns), 2u);
  EXPECT_EQ(ticks_up(-5s), 0u);
  EXPECT_EQ(ticks_up(15ms, 10ms), 2u);
  EXPECT_EQ(ticks_down(1999us), 1u);
  EXPECT_EQ(ticks_down(-1ns), 0u);
}

// -- against a model ------------------------------------------------------------------------------

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

// The multimap of due ticks keeps equal keys in order of insertion, as the wheel promises.
template <class Wheel>
struct model_run {
  struct entry : Wheel::node {
    typename std::multimap<tick, entry*>::iterator place;
  };

  std::mt19937_64 random;
  tick start = random() % 2 ? random() % (tick{1} << 40) : 0;
  Wheel wheel{start};
  std::multimap<tick, entry*> model;
  std::vector<entry> entries = std::vector<entry>(2000);

  // Mostly near, sometimes beyond the last level, sometimes at a border between slots.
  tick random_due() {
    const auto far = random() % (tick{1} << (random() % 42));
    const auto due = wheel.now() + far;
    return random() % 8 == 0 ? due & ~tick{0xFF} : due;
  }

  void arm(entry& e) {
    const auto due = random_due();
    if (e.armed()) model.erase(e.place);
    wheel.schedule(e, due);
    e.place = model.emplace(std::max(due, wheel.now() + 1), &e);
  }

  void advance() {
    auto now = wheel.now() + random() % (tick{1} << (random() % 36));
    if (const auto next = wheel.next_wakeup(); next && random() % 2) now = *next;
    std::size_t expected = 0;
    const auto fired = wheel.advance(now, [&](auto& n) {
      ASSERT_FALSE(model.empty());
      const auto first = model.begin();
      ASSERT_EQ(&n, first->second);
      ASSERT_EQ(wheel.now(), first->first);
      model.erase(first);
      ++expected;
      if (random() % 4 == 0) arm(static_cast<entry&>(n));
      if (random() % 16 == 0) cancel(entries[random() % entries.size()]);
    });
    ASSERT_EQ(fired, expected);
    ASSERT_EQ(wheel.now(), now);
    if (!model.empty()) {
      ASSERT_GT(model.begin()->first, now);
    }
  }

  void cancel(entry& e) {
    const bool armed = e.armed();
    if (armed) model.erase(e.place);
    ASSERT_EQ(wheel.cancel(e), armed);
  }

  void run(std::uint64_t seed, std::uint64_t moves) {
    random.seed(seed);
    for (std::uint64_t i = 0; i < moves && !::testing::Test::HasFatalFailure(); ++i) {
      auto& e = entries[random() % entries.size()];
      const auto dice = random() % 100;
      if (dice < 60)
        arm(e);
      else if (dice < 90)
        cancel(e);
      else
        advance();
      ASSERT_EQ(wheel.count(), model.size());
      ASSERT_EQ(wheel.next_wakeup().has_value(), !model.empty());
      if (!model.empty()) {
        ASSERT_LE(*wheel.next_wakeup(), model.begin()->first);
      }
    }
  }
};

class timer_wheel_model : public ::testing::Test {
public:
  std::uint64_t seed = test_seed();
  std::uint64_t moves = from_environment("CASCADE_WHEEL_MOVES", 300'000);
  timer_wheel_model() { std::cout << "CASCADE_WHEEL_MOVES=" << moves << std::endl; }
};

TEST_F(timer_wheel_model, agrees_with_a_multimap) {
  const auto run = std::make_unique<model_run<timer_wheel>>();
  run->run(seed, moves);
}

TEST_F(timer_wheel_model, agrees_with_a_multimap_in_a_small_wheel_that_overflows_often) {
  const auto run = std::make_unique<model_run<basic_timer_wheel<6, 2>>>();
  run->run(seed, moves);
}

}  // namespace
}  // namespace cascade
