#include "triggers/rate_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using namespace std::chrono_literals;
using time_point = rate_set::time_point;

delayed_key numbered(std::int64_t id, std::uint8_t priority = 50) {
  delayed_key d;
  d.key.id = task_id{id};
  d.key.priority = priority;
  return d;
}

struct rate_sets : testing::Test {
  rate_set set{time_point{}};
  time_point now{};
  std::vector<std::int64_t> out;

  void offer(const std::string& key, const delayed_key& task) {
    if (set.take_key(key, now))
      out.push_back(task.key.id.value);
    else
      set.park(key, task);
  }
  // Time goes on, and the owner looks when `next` says so.
  void pass(std::chrono::microseconds d) {
    const auto until = now + d;
    while (const auto at = set.next()) {
      if (*at > until) break;
      now = std::max(now, *at);
      set.take_due(now, [&](const delayed_key& t) { out.push_back(t.key.id.value); });
    }
    now = until;
  }
  std::vector<std::int64_t> started() { return std::exchange(out, {}); }
};
using ids = std::vector<std::int64_t>;

TEST_F(rate_sets, one_a_second_a_key_and_a_burst_after_a_pause) {
  set.set_limits({}, {1, 3}, now);
  now += 1h;
  for (int i = 1; i <= 5; ++i) offer("a", numbered(i));
  offer("b", numbered(6));
  EXPECT_EQ(started(), (ids{1, 2, 3, 6}));
  pass(999ms);
  EXPECT_EQ(started(), ids{});
  pass(2ms);
  EXPECT_EQ(started(), ids{4});
  pass(1s);
  EXPECT_EQ(started(), ids{5});
  EXPECT_EQ(set.parked(), 0u);
}

TEST_F(rate_sets, a_bucket_is_empty_at_first) {
  set.set_limits({}, {1, 5}, now);
  offer("a", numbered(1));
  offer("a", numbered(2));
  EXPECT_EQ(started(), ids{});
  pass(1'001ms);
  EXPECT_EQ(started(), ids{1});
}

TEST_F(rate_sets, the_most_urgent_of_a_key_goes_first) {
  set.set_limits({}, {1, 1}, now);
  offer("a", numbered(1, 10));
  offer("a", numbered(2, 50));
  offer("a", numbered(3, 50));
  offer("a", numbered(4, 90));
  set.reprioritize({{{task_id{3}, {}, 95}}, {}});
  pass(4'001ms);
  EXPECT_EQ(started(), (ids{3, 4, 2, 1}));
}

TEST_F(rate_sets, each_parked_task_knows_its_place_and_its_turn) {
  set.set_limits({}, {1, 1}, now);
  for (int i = 1; i <= 4; ++i) offer("a", numbered(i, i == 3 ? 90 : 50));
  offer("b", numbered(5));
  std::vector<std::pair<std::int64_t, time_point>> told;
  for (const std::int64_t id : {3, 1, 2, 4}) {
    const auto turn = set.find(task_id{id});
    ASSERT_TRUE(turn);
    EXPECT_EQ(turn->key, "a");
    EXPECT_EQ(turn->before, told.size());
    told.emplace_back(id, turn->at);
  }
  EXPECT_EQ(set.find(task_id{5})->before, 0u);
  EXPECT_FALSE(set.find(task_id{6}));
  for (const auto& [id, at] : told) {
    pass(std::chrono::duration_cast<std::chrono::microseconds>(at - now) + 1ms);
    const auto out_now = started();
    EXPECT_EQ(std::ranges::count(out_now, id), 1) << id;
    EXPECT_FALSE(set.find(task_id{id}));
  }
}

TEST_F(rate_sets, a_limit_that_changes_holds_for_what_waits_and_none_lets_everything_go) {
  set.set_limits({}, {0.001, 1}, now);
  offer("a", numbered(1));
  offer("a", numbered(2));
  offer("a", numbered(3));
  pass(10s);
  EXPECT_EQ(started(), ids{});
  set.set_limits({}, {}, now);
  pass(1ms);
  EXPECT_EQ(started(), (ids{1, 2, 3}));
  EXPECT_TRUE(set.take_key("a", now));
}

TEST_F(rate_sets, the_queue_as_a_whole) {
  set.set_limits({2, 1}, {}, now);
  EXPECT_EQ(set.queue_wait(now), now + 500ms);
  now += 500ms;
  EXPECT_FALSE(set.queue_wait(now));
  set.take_queue(now);
  EXPECT_EQ(set.queue_wait(now), now + 500ms);
  set.set_limits({}, {}, now);
  EXPECT_FALSE(set.queue_wait(now));
}

TEST_F(rate_sets, keys_that_are_full_are_forgotten) {
  set.set_limits({}, {1'000, 1}, now);
  now += 1h;
  for (int i = 0; i < 100'000; ++i) {
    offer("key " + std::to_string(i), numbered(i + 1));
    now += 1ms;
  }
  EXPECT_LE(set.keys(), 1'025u);
}

// Of each key: in any window no more than burst + rate * window; all together, nearly as many as are
// allowed while something waits; and everything starts once.
TEST_F(rate_sets, no_key_is_above_its_rate_in_any_window) {
  std::mt19937_64 random(test_seed());
  const rate_limit limit{static_cast<double>(1 + random() % 20),
                         static_cast<int>(1 + random() % 8)};
  set.set_limits({}, limit, now);
  now += 10min;
  const int keys = 50;
  std::map<std::int64_t, int> key_of;
  std::map<int, std::vector<time_point>> starts;
  std::int64_t id = 0;
  const auto note = [&] {
    for (const auto i : started()) starts[key_of.at(i)].push_back(now);
  };
  const auto begin = now;
  while (now < begin + 60s) {
    for (int i = 0; i < 30; ++i) {  // far more than allowed
      const int key = static_cast<int>(random() % keys);
      key_of[++id] = key;
      offer("k" + std::to_string(key), numbered(id));
    }
    note();
    const auto until = now + std::chrono::microseconds(random() % 40'000);
    while (const auto at = set.next()) {
      if (*at > until) break;
      // The owner comes up to 2 ms late.
      now = std::max(now, *at + std::chrono::microseconds(random() % 2'000));
      set.take_due(now, [&](const delayed_key& t) { out.push_back(t.key.id.value); });
      note();
    }
    now = std::max(now, until);
  }
  std::size_t all = 0;
  for (const auto& [key, times] : starts) {
    all += times.size();
    for (std::size_t i = 0; i < times.size(); ++i)
      for (std::size_t j = i + static_cast<std::size_t>(limit.burst); j < times.size(); ++j) {
        const double window = std::chrono::duration<double>(times[j] - times[i]).count();
        ASSERT_LE(static_cast<double>(j - i + 1), limit.burst + limit.per_second * window + 1e-6)
            << "key " << key << ", rate " << limit.per_second << ", burst " << limit.burst;
      }
  }
  const double allowed = keys * (limit.burst + limit.per_second * 60);
  EXPECT_GE(static_cast<double>(all), 0.93 * allowed) << limit.per_second << " " << limit.burst;
  EXPECT_EQ(all + set.parked(), static_cast<std::size_t>(id));
}

}  // namespace
}  // namespace cascade
