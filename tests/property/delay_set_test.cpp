#include "triggers/delay_set.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using namespace std::chrono_literals;
using time_point = delay_set::time_point;

delayed_key waiting(std::int64_t id) {
  delayed_key d;
  d.key.id = task_id{id};
  return d;
}

TEST(delay_set, is_never_early_and_less_than_a_tick_late) {
  delay_set set;
  const time_point due = time_point{} + 1h + 100us;
  set.put(waiting(1), due);
  std::vector<std::int64_t> out;
  const auto note = [&](const delayed_key& d) { out.push_back(d.key.id.value); };
  set.take_due(due - 1us, note);
  EXPECT_TRUE(out.empty());
  ASSERT_TRUE(set.next());
  set.take_due(due + 250us, note);
  EXPECT_EQ(out, std::vector<std::int64_t>{1});
  EXPECT_FALSE(set.next());
}

TEST(delay_set, one_id_waits_once) {
  delay_set set;
  set.put(waiting(1), time_point{} + 1s);
  set.put(waiting(1), time_point{} + 2s);
  int fired = 0;
  const auto note = [&](const delayed_key&) { ++fired; };
  set.take_due(time_point{} + 1500ms, note);
  EXPECT_EQ(fired, 0);
  EXPECT_TRUE(set.cancel(task_id{1}));
  EXPECT_FALSE(set.cancel(task_id{1}));
  set.take_due(time_point{} + 3s, note);
  EXPECT_EQ(fired, 0);
}

// Against a slow model: same keys, same times within a tick, and `next` never later than the first.
TEST(delay_set, behaves_as_a_map_of_times) {
  std::mt19937_64 random(test_seed());
  const auto below = [&](std::uint64_t n) { return random() % n; };
  delay_set set;
  std::map<std::int64_t, time_point> model;
  time_point now{};
  for (int step = 0; step < 100'000; ++step) {
    const auto id = static_cast<std::int64_t>(below(500) + 1);
    switch (below(4)) {
      case 0:
      case 1: {
        const auto due =
            now + std::chrono::microseconds(below(below(20) == 0 ? 90'000'000'000 : 100'000));
        set.put(waiting(id), due);
        model[id] = due;
        break;
      }
      case 2:
        ASSERT_EQ(set.cancel(task_id{id}).has_value(), model.erase(id) > 0);
        break;
      case 3: {
        if (!model.empty()) {
          const auto first =
              std::ranges::min_element(model, {}, [](const auto& m) { return m.second; })->second;
          ASSERT_TRUE(set.next());
          ASSERT_LE(*set.next(), std::max(first + 250us, now + 250us));
        }
        now += std::chrono::microseconds(below(20'000));
        set.take_due(now, [&](const delayed_key& d) {
          const auto at = model.find(d.key.id.value);
          ASSERT_NE(at, model.end());
          ASSERT_LE(at->second, now);
          model.erase(at);
        });
        for (const auto& [left, due] : model) ASSERT_GT(due + 500us, now) << left;
      }
    }
    ASSERT_EQ(set.size(), model.size());
    const auto found = set.find(task_id{id});
    const auto at = model.find(id);
    ASSERT_EQ(found.has_value(), at != model.end());
    if (!found) continue;
    ASSERT_EQ(found->first.key.id, task_id{id});
    // What is due within the tick comes out in the next one.
    ASSERT_GE(found->second, at->second);
    ASSERT_LT(found->second, std::max(at->second, now) + 250us);
  }
}

}  // namespace
}  // namespace cascade
