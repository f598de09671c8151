#include "triggers/ready_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

ready_key key(std::int64_t id, int priority = 50) {
  ready_key k;
  k.id = task_id{id};
  k.body = 1;
  k.priority = static_cast<std::uint8_t>(priority);
  return k;
}
constexpr auto any = [](ready_set::lot_index) { return true; };

std::int64_t pop(ready_set& set, handler_class c = handler_class::quick) {
  const auto lot = set.choose(c, any);
  return lot ? set.pop(*lot).id.value : 0;
}

TEST(ready_set, gives_the_highest_priority_first_and_keeps_the_order_of_arrival_within_one) {
  ready_set set;
  const auto lot = set.lot("q", handler_class::quick);
  for (const auto& [id, priority] : {std::pair{1, 10}, {2, 90}, {3, 90}, {4, 100}, {5, 0}})
    set.push_back(lot, key(id, priority));
  std::vector<std::int64_t> order;
  while (set.size() > 0) order.push_back(pop(set));
  EXPECT_EQ(order, (std::vector<std::int64_t>{4, 2, 3, 1, 5}));
}

TEST(ready_set, what_comes_back_is_first_again) {
  ready_set set;
  freed_bodies freed;
  const auto lot = set.lot("q", handler_class::quick);
  set.push_back(lot, key(1));
  set.push_back(lot, key(2));
  ready_line back;
  back.push_back(set.pop(set.next_of(lot)));
  set.put_before({lot, 50}, std::move(back), freed);
  EXPECT_EQ(pop(set), 1);
  EXPECT_TRUE(freed.empty());
}

TEST(ready_set, lots_of_equal_priority_take_turns) {
  ready_set set;
  const auto a = set.lot("a", handler_class::quick), b = set.lot("b", handler_class::quick);
  for (int i = 0; i < 4; ++i) set.push_back(a, key(10 + i));
  for (int i = 0; i < 2; ++i) set.push_back(b, key(20 + i));
  std::vector<std::int64_t> order;
  while (set.size() > 0) order.push_back(pop(set));
  EXPECT_EQ(order, (std::vector<std::int64_t>{10, 20, 11, 21, 12, 13}));
}

TEST(ready_set, a_class_of_handlers_and_a_closed_lot_are_left_alone) {
  ready_set set;
  const auto quick = set.lot("q", handler_class::quick), slot = set.lot("q", handler_class::slot);
  EXPECT_NE(quick, slot);
  set.push_back(quick, key(1, 90));
  set.push_back(slot, key(2, 10));
  EXPECT_EQ(pop(set, handler_class::slot), 2);
  EXPECT_FALSE(set.choose(handler_class::slot, any));
  EXPECT_FALSE(
      set.choose(handler_class::quick, [&](ready_set::lot_index l) { return l != quick; }));
}

TEST(ready_set, a_change_of_priority_moves_a_key_behind_those_already_there) {
  ready_set set;
  const auto lot = set.lot("q", handler_class::quick);
  for (int i = 1; i <= 3; ++i) set.push_back(lot, key(i, 50));
  set.push_back(lot, key(4, 90));
  freed_bodies freed;
  EXPECT_EQ(set.reprioritize({{{task_id{2}, {}, 90}}, {}}, freed), 1u);
  EXPECT_EQ(pop(set), 4);
  EXPECT_EQ(pop(set), 2);
  EXPECT_EQ(pop(set), 1);
  EXPECT_EQ(set.size(), 1u);
}

TEST(ready_set, what_starts_before_a_task_is_counted_over_the_lots_that_count) {
  ready_set set;
  const auto a = set.lot("a", handler_class::quick), b = set.lot("b", handler_class::quick),
             shut = set.lot("shut", handler_class::quick);
  for (int i = 0; i < 4; ++i) set.push_back(a, key(10 + i));
  for (int i = 0; i < 2; ++i) set.push_back(b, key(20 + i));
  set.push_back(b, key(29, 10));
  for (int i = 0; i < 9; ++i) set.push_back(shut, key(30 + i, 90));
  const auto open = [&](ready_set::lot_index l) { return l != shut; };
  std::map<std::int64_t, std::size_t> told;
  for (const std::int64_t id : {10, 11, 12, 13, 20, 21, 29}) {
    const auto at = set.find_task(task_id{id});
    ASSERT_TRUE(at);
    told[id] = set.ahead_of(*at, open);
  }
  EXPECT_EQ(set.ahead_of(*set.find_task(task_id{10}), any), 9u) << "the urgent ones of all lots";
  EXPECT_FALSE(set.find_task(task_id{40}));
  for (std::size_t started = 0; started < told.size(); ++started) {
    const auto lot = set.choose(handler_class::quick, open);
    const auto id = set.pop(*lot).id.value;
    // Who of two equal lots begins is open as long as neither was served.
    EXPECT_LE(std::max(told[id], started) - std::min(told[id], started), 1u) << id;
  }
}

TEST(ready_set, agrees_with_a_sorted_list_over_random_operations) {
  std::mt19937_64 random(test_seed());
  ready_set set;
  const auto lot = set.lot("q", handler_class::quick);
  std::vector<std::pair<int, std::int64_t>> model;  // in order of arrival
  for (std::int64_t step = 1; step <= 20'000; ++step) {
    if (model.empty() || random() % 3 != 0) {
      const int priority = static_cast<int>(random() % 101);
      set.push_back(lot, key(step, priority));
      model.emplace_back(priority, step);
      const auto before = std::ranges::count_if(
          model, [&](const auto& m) { return m.first >= priority && m.second != step; });
      const auto at = set.find_task(task_id{step});
      ASSERT_TRUE(at);
      ASSERT_EQ(set.ahead_of(*at, any), static_cast<std::size_t>(before));
      continue;
    }
    const auto best = std::max_element(model.begin(), model.end(),
                                       [](auto& a, auto& b) { return a.first < b.first; });
    ASSERT_EQ(pop(set), best->second);
    model.erase(best);
    ASSERT_EQ(set.size(), model.size());
  }
}

}  // namespace
}  // namespace cascade
