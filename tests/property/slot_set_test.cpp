#include "triggers/slot_set.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

constexpr auto slot = handler_class::slot, quick = handler_class::quick;

delayed_key numbered(std::int64_t id, int priority = 50) {
  delayed_key d;
  d.key.id = task_id{id};
  d.key.priority = static_cast<std::uint8_t>(priority);
  return d;
}

struct slot_sets : testing::Test {
  slot_set set;

  bool offer(const std::string& key, std::int64_t id, int priority = 50, handler_class c = slot) {
    if (set.take(key)) return true;
    set.park(key, numbered(id, priority), c);
    return false;
  }
  std::int64_t next(handler_class c = slot) {
    return set.top(c) ? set.pop(c).what.key.id.value : 0;
  }
};

TEST_F(slot_sets, one_at_a_time_a_key_unless_more_are_allowed) {
  EXPECT_TRUE(offer("a", 1));
  EXPECT_FALSE(offer("a", 2));
  EXPECT_TRUE(offer("b", 3));
  EXPECT_EQ(next(), 0);
  set.give_back("a");
  EXPECT_EQ(next(), 2);
  EXPECT_EQ(set.held("a"), 1);
  EXPECT_FALSE(offer("a", 4));
  EXPECT_FALSE(offer("b", 5));
  set.set_limit(2);
  EXPECT_EQ(next(), 4);
  EXPECT_EQ(next(), 5);
  EXPECT_EQ(next(), 0);
  set.set_limit(1);
  EXPECT_FALSE(offer("a", 6));
  set.give_back("a");
  EXPECT_EQ(next(), 0) << "one too many of them still runs";
  set.give_back("a");
  EXPECT_EQ(next(), 6);
}

TEST_F(slot_sets, who_waits_is_served_before_who_comes_and_the_urgent_first) {
  EXPECT_TRUE(offer("a", 1));
  offer("a", 2, 10);
  offer("a", 3, 90);
  offer("a", 4, 90);
  set.give_back("a");
  EXPECT_FALSE(offer("a", 5, 50)) << "the slot is for those that wait";
  for (const std::int64_t id : {3, 4, 5, 2}) {
    EXPECT_EQ(next(), id);
    set.give_back("a");
  }
  EXPECT_EQ(set.keys(), 0u);
  EXPECT_EQ(set.parked(), 0u);
}

TEST_F(slot_sets, the_first_of_a_key_waits_for_a_worker_of_its_own_class) {
  offer("a", 1);
  offer("a", 2, 50, quick);
  offer("a", 3, 40, slot);
  set.give_back("a");
  EXPECT_EQ(next(slot), 0);
  EXPECT_EQ(next(quick), 2);
}

// Against the obvious: lists, looked through.
TEST_F(slot_sets, agrees_with_a_simple_model) {
  std::mt19937_64 random(test_seed());
  struct waits {
    std::int64_t id;
    int priority;
    handler_class kind;
  };
  struct model_key {
    int held = 0;
    std::vector<waits> line;
  };
  std::map<std::string, model_key> model;
  int most = 1;
  const auto first = [](const model_key& k) {
    return std::max_element(k.line.begin(), k.line.end(),
                            [](const waits& a, const waits& b) { return a.priority < b.priority; });
  };
  std::int64_t ids = 0;
  for (int step = 0; step < 50'000; ++step) {
    const std::string key(1, static_cast<char>('a' + random() % 8));
    model_key& k = model[key];
    const auto c = random() % 3 == 0 ? quick : slot;
    switch (random() % 16) {
      case 0:
        most = static_cast<int>(1 + random() % 4);
        set.set_limit(most);
        break;
      case 1: {
        if (k.line.empty()) break;
        const auto at = k.line.begin() + static_cast<std::ptrdiff_t>(random() % k.line.size());
        ASSERT_TRUE(set.remove(task_id{at->id}));
        k.line.erase(at);
        break;
      }
      case 2: {
        if (k.line.empty()) break;
        waits w = k.line[random() % k.line.size()];
        const int priority = static_cast<int>(random() % 5);
        if (w.priority == priority) break;
        set.reprioritize({task_id{w.id}, {}}, static_cast<std::uint8_t>(priority));
        std::erase_if(k.line, [&](const waits& x) { return x.id == w.id; });
        w.priority = priority;
        k.line.push_back(w);
        break;
      }
      case 3:
      case 4:
      case 5:
      case 6:
        if (k.held == 0) break;
        set.give_back(key);
        --k.held;
        break;
      case 7:
      case 8:
      case 9:
      case 10: {
        const bool free = k.held < most && k.line.empty();
        const int priority = static_cast<int>(random() % 5);
        ASSERT_EQ(offer(key, ++ids, priority, c), free);
        if (free)
          ++k.held;
        else
          k.line.push_back({ids, priority, c});
        break;
      }
      default: {
        // The best of the class over all keys with a free slot.
        int best = -1;
        for (auto& [name, m] : model)
          if (m.held < most && !m.line.empty() && first(m)->kind == c)
            best = std::max(best, first(m)->priority);
        const auto top = set.top(c);
        ASSERT_EQ(top ? *top : -1, best);
        if (!top) break;
        const auto got = set.pop(c);
        model_key& m = model[got.key];
        ASSERT_LT(m.held, most);
        ASSERT_EQ(first(m)->id, got.what.key.id.value);
        m.line.erase(first(m));
        ++m.held;
      }
    }
    std::size_t parked = 0;
    for (const auto& [name, m] : model) {
      ASSERT_EQ(set.held(name), m.held);
      parked += m.line.size();
    }
    ASSERT_EQ(set.parked(), parked);
  }
}

}  // namespace
}  // namespace cascade
