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
// With a lead: of each key without a body that is not due by then, its owner is told once in time.
void behaves_as_a_map_of_times(std::chrono::microseconds lead) {
  std::mt19937_64 random(test_seed());
  const auto below = [&](std::uint64_t n) { return random() % n; };
  delay_set set(lead);
  std::map<std::int64_t, time_point> model;
  std::map<std::int64_t, std::pair<std::uint32_t, bool>> body_and_told;
  time_point now = time_point{} + 1h;
  for (int step = 0; step < 100'000; ++step) {
    const auto id = static_cast<std::int64_t>(below(500) + 1);
    switch (below(4)) {
      case 0:
      case 1: {
        const auto due =
            now + std::chrono::microseconds(below(below(20) == 0 ? 90'000'000'000 : 100'000));
        auto d = waiting(id);
        d.key.body = static_cast<std::uint32_t>(below(2));
        const auto old = set.put(d, due);
        ASSERT_EQ(old.has_value(), model.contains(id));
        if (old) {
          ASSERT_EQ(old->key.body, body_and_told[id].first);
        }
        model[id] = due;
        body_and_told[id] = {d.key.body, false};
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
        const std::chrono::microseconds passed(below(20'000));
        now += passed;
        set.take_due(
            now,
            [&](const delayed_key& d) {
              const auto at = model.find(d.key.id.value);
              ASSERT_NE(at, model.end());
              ASSERT_LE(at->second, now);
              model.erase(at);
            },
            [&](const delayed_key& d) {
              auto& [body, told] = body_and_told[d.key.id.value];
              ASSERT_EQ(body, 0U);
              ASSERT_FALSE(std::exchange(told, true));
              ASSERT_TRUE(model.contains(d.key.id.value));
              ASSERT_LE(model[d.key.id.value] - now, 2 * lead);
            });
        for (const auto& [left, due] : model) {
          ASSERT_GT(due + 500us, now) << left;
          const auto& [body, told] = body_and_told[left];
          if (lead > 0us && passed > 250us && body == 0 && due - now < lead - 500us &&
              due > now + 500us) {
            ASSERT_TRUE(told) << left;
          }
        }
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

TEST(delay_set, behaves_as_a_map_of_times) { behaves_as_a_map_of_times(0us); }

TEST(delay_set, tells_of_each_key_before_its_time) { behaves_as_a_map_of_times(10ms); }

}  // namespace
}  // namespace cascade
