#include "triggers/slot_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

delayed_key numbered(std::int64_t id, int priority = 50, ready_set::lot_index lot = 0) {
  delayed_key d;
  d.key.id = task_id{id};
  d.key.priority = static_cast<std::uint8_t>(priority);
  d.lot = lot;
  return d;
}
slot_name key(const std::string& name) { return {slot_kind::key, "q", name}; }
slot_name of_job(int id) { return {slot_kind::job, {}, std::to_string(id)}; }
slot_name of_workflow(const std::string& name) { return {slot_kind::workflow, {}, name}; }

struct slot_sets : testing::Test {
  slot_set set;

  bool offer(const slot_names& needs, std::int64_t id, int priority = 50,
             ready_set::lot_index lot = 0) {
    if (set.take(needs)) return true;
    set.park("q", needs, numbered(id, priority, lot));
    return false;
  }
  bool offer(const std::string& name, std::int64_t id, int priority = 50,
             ready_set::lot_index lot = 0) {
    return offer(slot_names{key(name)}, id, priority, lot);
  }
  void give_back(const std::string& name) { set.give_back({key(name)}); }
  std::int64_t next(ready_set::lot_index lot = 0) {
    return set.top(lot) ? set.pop(lot).what.key.id.value : 0;
  }
};

TEST_F(slot_sets, one_at_a_time_a_key_unless_more_are_allowed) {
  EXPECT_TRUE(offer("a", 1));
  EXPECT_FALSE(offer("a", 2));
  EXPECT_TRUE(offer("b", 3));
  EXPECT_EQ(next(), 0);
  give_back("a");
  EXPECT_EQ(next(), 2);
  EXPECT_EQ(set.held(key("a")), 1);
  EXPECT_FALSE(offer("a", 4));
  EXPECT_FALSE(offer("b", 5));
  set.set_key_limit("q", 2);
  EXPECT_EQ(next(), 4);
  EXPECT_EQ(next(), 5);
  EXPECT_EQ(next(), 0);
  set.set_key_limit("q", 1);
  EXPECT_FALSE(offer("a", 6));
  give_back("a");
  EXPECT_EQ(next(), 0) << "one too many of them still runs";
  give_back("a");
  EXPECT_EQ(next(), 6);
}

TEST_F(slot_sets, who_waits_is_served_before_who_comes_and_the_urgent_first) {
  EXPECT_TRUE(offer("a", 1));
  offer("a", 2, 10);
  offer("a", 3, 90);
  offer("a", 4, 90);
  give_back("a");
  EXPECT_FALSE(offer("a", 5, 50)) << "the slot is for those that wait";
  for (const std::int64_t id : {3, 4, 5, 2}) {
    EXPECT_EQ(next(), id);
    give_back("a");
  }
  EXPECT_EQ(set.names(), 0u);
  EXPECT_EQ(set.parked(), 0u);
}

TEST_F(slot_sets, the_first_of_a_key_waits_for_a_worker_of_its_own_class) {
  offer("a", 1);
  offer("a", 2, 50, 1);
  offer("a", 3, 40, 0);
  give_back("a");
  EXPECT_EQ(next(0), 0);
  EXPECT_EQ(next(1), 2);
}

TEST_F(slot_sets, who_lacks_one_slot_holds_none_of_the_others) {
  set.set_limit(of_job(7), 1);
  EXPECT_TRUE(offer("a", 1));
  EXPECT_FALSE(offer({key("a"), of_job(7)}, 2));
  EXPECT_EQ(set.held(of_job(7)), 0);
  EXPECT_TRUE(offer(slot_names{of_job(7)}, 3)) << "of the same job, with no key";
  give_back("a");
  EXPECT_EQ(next(), 0) << "now its job is full";
  EXPECT_TRUE(offer("a", 4));
  set.give_back({of_job(7)});
  EXPECT_EQ(next(), 0) << "and now its key";
  give_back("a");
  EXPECT_EQ(next(), 2);
  EXPECT_EQ(set.held(key("a")), 1);
  EXPECT_EQ(set.held(of_job(7)), 1);
}

TEST_F(slot_sets, keys_take_turns_when_the_queue_says_so) {
  set.set_round_robin("q", true);
  set.set_limit(of_workflow("w"), 1);
  set.hold(of_workflow("w"));
  for (int i = 0; i < 6; ++i) offer({key("a"), of_workflow("w")}, 10 + i, 90);
  for (int i = 0; i < 3; ++i) offer({key("b"), of_workflow("w")}, 20 + i, 10);
  std::vector<std::int64_t> order;
  slot_names held{of_workflow("w")};
  for (int i = 0; i < 9; ++i) {
    set.give_back(held);
    ASSERT_TRUE(set.top(0));
    const auto started = set.pop(0);
    order.push_back(started.what.key.id.value);
    held = started.held;
  }
  EXPECT_EQ(order, (std::vector<std::int64_t>{10, 20, 11, 21, 12, 22, 13, 14, 15}));
}

// Against the obvious: a list, looked through; with slots of all kinds, in random order.
TEST_F(slot_sets, never_more_than_a_limit_nobody_waits_for_free_slots_and_all_run_in_the_end) {
  std::mt19937_64 random(test_seed());
  struct task {
    std::int64_t id;
    int priority;
    slot_names needs;
    ready_set::lot_index lot;
  };
  std::vector<task> waiting, running;
  std::map<slot_name, int> held;
  std::map<slot_name, int> most{{of_job(1), 2}, {of_job(2), 1}, {of_workflow("w"), 3}};
  int key_most = 1;
  for (const auto& [name, n] : most) set.set_limit(name, n);
  const auto limit = [&](const slot_name& n) {
    return n.kind == slot_kind::key ? key_most : most.at(n);
  };
  const auto free = [&](const task& t) {
    return std::ranges::all_of(t.needs, [&](const slot_name& n) { return held[n] < limit(n); });
  };
  const auto begin = [&](const task& t) {
    for (const slot_name& n : t.needs) ASSERT_LT(held[n]++, limit(n)) << "task " << t.id;
    running.push_back(t);
  };
  const auto end = [&](std::size_t i) {
    for (const slot_name& n : running[i].needs) --held[n];
    set.give_back(running[i].needs);
    running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
  };
  const auto pop = [&](ready_set::lot_index lot) {
    // The best of the lot that could start. Of one group, the first: those of other lots before it
    // keep it from starting.
    const auto first_of_group = [&](const task& t) {
      return std::ranges::none_of(waiting, [&](const task& o) {
        return o.needs == t.needs &&
               (o.priority > t.priority || (o.priority == t.priority && &o < &t));
      });
    };
    int best = -1;
    for (const task& t : waiting)
      if (t.lot == lot && free(t) && first_of_group(t)) best = std::max(best, t.priority);
    const auto top = set.top(lot);
    ASSERT_EQ(top ? *top : -1, best);
    if (!top) return;
    const auto got = set.pop(lot);
    const auto at = std::ranges::find(waiting, got.what.key.id.value, &task::id);
    ASSERT_NE(at, waiting.end());
    ASSERT_EQ(at->needs, got.held);
    ASSERT_EQ(at->priority, best);
    ASSERT_TRUE(first_of_group(*at));
    const task t = *at;
    waiting.erase(at);
    begin(t);
  };
  std::int64_t ids = 0;
  for (int step = 0; step < 30'000; ++step) {
    switch (random() % 14) {
      case 0:
        key_most = static_cast<int>(1 + random() % 3);
        set.set_key_limit("q", key_most);
        break;
      case 1: {
        const auto at =
            std::next(most.begin(), static_cast<std::ptrdiff_t>(random() % most.size()));
        at->second = static_cast<int>(1 + random() % 4);
        set.set_limit(at->first, at->second);
        break;
      }
      case 2: {
        if (waiting.empty()) break;
        const auto at = waiting.begin() + static_cast<std::ptrdiff_t>(random() % waiting.size());
        ASSERT_TRUE(set.remove(task_id{at->id}));
        waiting.erase(at);
        break;
      }
      case 3: {
        if (waiting.empty()) break;
        task t = waiting[random() % waiting.size()];
        const int priority = static_cast<int>(random() % 5);
        if (t.priority == priority) break;
        set.reprioritize({{{task_id{t.id}, {}, static_cast<std::uint8_t>(priority)}}, {}});
        std::erase_if(waiting, [&](const task& o) { return o.id == t.id; });
        t.priority = priority;
        waiting.push_back(t);
        break;
      }
      case 4:
      case 5:
      case 6:
      case 7:
        if (!running.empty()) end(random() % running.size());
        break;
      case 8:
      case 9:
      case 10: {
        task t{++ids, static_cast<int>(random() % 5), {}, static_cast<unsigned>(random() % 2)};
        if (random() % 3 != 0) t.needs.push_back(key(std::string(1, char('a' + random() % 3))));
        if (random() % 2 != 0) t.needs.push_back(of_job(1 + static_cast<int>(random() % 2)));
        if (random() % 2 != 0) t.needs.push_back(of_workflow("w"));
        if (t.needs.empty()) break;
        if (offer(t.needs, t.id, t.priority, t.lot))
          ASSERT_NO_FATAL_FAILURE(begin(t));
        else
          waiting.push_back(t);
        break;
      }
      default:
        ASSERT_NO_FATAL_FAILURE(pop(static_cast<unsigned>(random() % 2))) << "step " << step;
    }
    ASSERT_EQ(set.parked(), waiting.size());
  }
  while (!waiting.empty() || !running.empty()) {
    const auto before = waiting.size();
    ASSERT_NO_FATAL_FAILURE(pop(0));
    ASSERT_NO_FATAL_FAILURE(pop(1));
    if (waiting.size() == before) {
      ASSERT_FALSE(running.empty()) << waiting.size() << " wait for nobody";
      end(0);
    }
  }
  EXPECT_EQ(set.names(), 0u) << "a slot is held for ever";
  EXPECT_EQ(set.parked(), 0u);
}

}  // namespace
}  // namespace cascade
