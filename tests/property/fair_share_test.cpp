// Shares of queues and tenants, as the ready set gives them.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "tests/support/seed.hpp"
#include "triggers/ready_set.hpp"

namespace cascade {
namespace {

constexpr auto quick = handler_class::quick;
constexpr auto any = [](ready_set::lot_index) { return true; };

struct shares : testing::Test {
  std::mt19937_64 random{test_seed()};
  ready_set set;
  std::int64_t ids = 0;

  void push(ready_set::lot_index lot, tenant_index tenant = 0, int priority = 50) {
    ready_key key;
    key.id = task_id{++ids};
    key.job = job_id{ids};
    key.body = 1;
    key.priority = static_cast<std::uint8_t>(priority);
    key.tenant = tenant;
    set.push_back(lot, key);
  }
  std::pair<ready_set::lot_index, ready_key> pop() {
    const auto head = set.choose(quick, any);
    return {head->lot, set.pop(*head)};
  }
};

double random_weight(std::mt19937_64& random) {
  return std::exp2(static_cast<double>(random() % 61) / 10.0 - 3);  // 1/8 to 8
}

TEST_F(shares, follow_the_weights_of_queues_and_of_their_tenants_while_all_are_backlogged) {
  for (int round = 0; round < 20; ++round) {
    set = {};
    const auto queues = 2 + random() % 6;
    std::map<ready_set::lot_index, double> weights;
    std::map<std::pair<ready_set::lot_index, tenant_index>, double> tenant_weights;
    for (std::size_t q = 0; q < queues; ++q) {
      const auto lot = set.lot("q" + std::to_string(q), quick);
      weights[lot] = random_weight(random);
      tenant_strides strides;
      for (tenant_index t = 0; t < 1 + random() % 5; ++t) {
        const double w = t == 0 ? 1 : random_weight(random);
        tenant_weights[{lot, t}] = w;
        strides[t] = fair_stride(w);
        push(lot, t);
        push(lot, t);
      }
      set.set_weights(lot, weights[lot], strides);
    }
    // A more urgent queue that comes and goes takes nobody's share of the rest.
    const auto urgent = set.lot("urgent", quick);
    double all = 0;
    for (const auto& [lot, w] : weights) all += w;
    for (int window = 0; window < 3; ++window) {
      std::map<ready_set::lot_index, double> starts;
      std::map<std::pair<ready_set::lot_index, tenant_index>, double> tenant_starts;
      constexpr int turns = 20'000;
      for (int i = 0; i < turns; ++i) {
        if (random() % 3 == 0) {
          push(urgent, 0, 90);
          ASSERT_EQ(pop().first, urgent);
        }
        const auto [lot, key] = pop();
        ++starts[lot];
        ++tenant_starts[{lot, key.tenant}];
        push(lot, key.tenant);
      }
      for (const auto& [lot, w] : weights)
        EXPECT_NEAR(starts[lot], turns * w / all, 1 + 0.05 * turns * w / all) << lot;
      for (const auto& [at, w] : tenant_weights) {
        double of_queue = 0;
        for (const auto& [other, x] : tenant_weights)
          if (other.first == at.first) of_queue += x;
        const double due = starts[at.first] * w / of_queue;
        EXPECT_NEAR(tenant_starts[at], due, 2 + 0.05 * due) << at.first << " " << at.second;
      }
    }
  }
}

TEST_F(shares, nobody_saves_up_turns_and_nobody_starves) {
  const auto a = set.lot("a", quick), b = set.lot("b", quick);
  set.set_weights(a, 1'000, {});
  set.set_weights(b, 1, {});
  for (int i = 0; i < 5'000; ++i) push(a);
  for (int i = 0; i < 3'000; ++i) ASSERT_EQ(pop().first, a);
  for (int i = 0; i < 10; ++i) push(b);
  int of_b = 0;
  for (int i = 0; i < 1'002; ++i) of_b += pop().first == b ? 1 : 0;
  EXPECT_GE(of_b, 1) << "a thousandth is not nothing";
  EXPECT_LE(of_b, 2) << "b was away: that gives it no turns";
}

TEST_F(shares, a_tenant_that_is_away_for_a_moment_still_owes_its_turn) {
  const auto lot = set.lot("q", quick);
  for (int i = 0; i < 400; ++i) push(lot, 1 + static_cast<tenant_index>(i % 4));
  push(lot, 9);
  std::map<tenant_index, int> starts;
  for (int i = 0; i < 100; ++i) {
    const auto key = pop().second;
    ++starts[key.tenant];
    if (key.tenant == 9) push(lot, 9);  // it comes back at once each time
  }
  for (const auto& [tenant, n] : starts) EXPECT_NEAR(n, 20, 1) << tenant;
}

// What was before there were weights: of equal priority, the lot that was served longest ago.
TEST_F(shares, without_weights_the_lot_goes_first_that_was_served_longest_ago) {
  std::vector<ready_set::lot_index> lots;
  for (int i = 0; i < 5; ++i) lots.push_back(set.lot(std::string(1, char('a' + i)), quick));
  std::map<ready_set::lot_index, std::vector<std::int64_t>> line;
  std::map<ready_set::lot_index, std::uint64_t> served;
  std::uint64_t clock = 0;
  for (int step = 0; step < 50'000; ++step) {
    if (set.size() == 0 || random() % 2 == 0) {
      const auto lot = lots[random() % lots.size()];
      push(lot);
      line[lot].push_back(ids);
      continue;
    }
    // Some may not be served now, as those at a limit.
    const auto shut = lots[random() % lots.size()];
    const auto open = [&](ready_set::lot_index l) { return l != shut; };
    const auto head = set.choose(quick, open);
    std::optional<std::uint64_t> longest;
    for (const auto lot : lots)
      if (open(lot) && !line[lot].empty()) longest = std::min(longest.value_or(~0u), served[lot]);
    ASSERT_EQ(head.has_value(), longest.has_value());
    if (!head) continue;
    ASSERT_EQ(served[head->lot], *longest) << "step " << step;
    ASSERT_EQ(set.pop(*head).id.value, line[head->lot].front()) << "within a queue";
    line[head->lot].erase(line[head->lot].begin());
    served[head->lot] = ++clock;
  }
}

TEST_F(shares, the_place_in_line_is_right_for_tenants_too) {
  const auto a = set.lot("a", quick), b = set.lot("b", quick);
  set.set_weights(a, 3, {{1, fair_stride(2)}});
  for (int i = 0; i < 60; ++i)
    push(random() % 3 == 0 ? b : a, static_cast<tenant_index>(random() % 3));
  for (int i = 0; i < 10; ++i) pop();
  std::map<std::int64_t, std::size_t> told;
  for (std::int64_t id = 1; id <= ids; ++id)
    if (const auto at = set.find_task(task_id{id})) told[id] = set.ahead_of(*at, any);
  for (std::size_t n = 0; set.size() > 0; ++n) {
    const auto id = pop().second.id.value;
    EXPECT_LE(std::max(told[id], n) - std::min(told[id], n), 3u) << id;
  }
}

TEST_F(shares, ten_thousand_tenants_cost_little_and_take_turns) {
  const auto lot = set.lot("q", quick);
  for (int i = 0; i < 30'000; ++i) push(lot, 2'000 + static_cast<tenant_index>(i % 10'000));
  for (int round = 0; round < 3; ++round) {
    std::map<tenant_index, int> starts;
    for (int i = 0; i < 10'000; ++i) ++starts[pop().second.tenant];
    ASSERT_EQ(starts.size(), 10'000u);
  }
}

TEST_F(shares, tenants_beyond_the_limit_share_turns_and_all_are_served) {
  const auto lot = set.lot("q", quick);
  for (tenant_index t = 0; t < 20'000; ++t) push(lot, 5'000 + t);
  std::size_t n = 0;
  for (; set.size() > 0; ++n) pop();
  EXPECT_EQ(n, 20'000u);
}

TEST(tenants, have_an_index_of_their_own) {
  EXPECT_EQ(tenant_of(""), 0u);
  std::map<tenant_index, int> seen;
  for (int i = 0; i < 10'000; ++i) ++seen[tenant_of("tenant " + std::to_string(i))];
  EXPECT_GE(seen.size(), 9'999u);
  EXPECT_GT(seen.begin()->first, shared_tenants);
}

struct aged : shares {
  ready_set::time_point now{std::chrono::hours(1)};
  void pass(std::chrono::milliseconds time) { set.tell_time(now += time); }
};

TEST_F(aged, a_band_that_waits_gains_a_point_for_each_period_and_its_start_ends_that) {
  set.set_ageing(std::chrono::seconds(1));
  set.tell_time(now);
  const auto low = set.lot("low", quick), high = set.lot("high", quick);
  for (int i = 0; i < 10; ++i) push(low, 0, 20);
  for (int i = 0; i < 300; ++i) push(high, 0, 30);
  const auto serve_high_for = [&](int tenths) {
    for (int i = 0; i < tenths; ++i) {
      pass(std::chrono::milliseconds(100));
      ASSERT_EQ(pop().first, high) << i;
    }
  };
  ASSERT_NO_FATAL_FAILURE(serve_high_for(99));
  pass(std::chrono::milliseconds(99));
  EXPECT_EQ(pop().first, high) << "never early";
  pass(std::chrono::milliseconds(1));
  EXPECT_EQ(set.choose(quick, any)->urgency, 30);
  EXPECT_EQ(pop().first, low) << "at equal urgency the one that has waited longer";
  EXPECT_EQ(pop().first, high) << "its wait has begun anew";
  ASSERT_NO_FATAL_FAILURE(serve_high_for(99));
  pass(std::chrono::milliseconds(100));
  EXPECT_EQ(pop().first, low);
}

TEST_F(aged, nobody_waits_longer_than_the_difference_of_the_priorities_allows) {
  set.set_ageing(std::chrono::milliseconds(10));
  set.tell_time(now);
  std::vector<ready_set::lot_index> lots;
  for (int i = 0; i < 4; ++i) lots.push_back(set.lot(std::to_string(i), quick));
  std::map<ready_set::lot_index, ready_set::time_point> last;
  for (std::size_t i = 0; i < lots.size(); ++i) {
    for (int n = 0; n < 3; ++n) push(lots[i], 0, static_cast<int>(30 * i));
    last[lots[i]] = now;
  }
  for (int step = 0; step < 5'000; ++step) {
    pass(std::chrono::milliseconds(1));
    const auto [lot, key] = pop();
    push(lot, 0, key.priority);
    last[lot] = now;
    for (std::size_t i = 0; i < lots.size(); ++i)
      ASSERT_LE(now - last[lots[i]], std::chrono::milliseconds(10 * (90 - 30 * int(i)) + 14))
          << "priority " << 30 * i;
  }
}

TEST_F(aged, without_ageing_time_means_nothing) {
  const auto low = set.lot("low", quick), high = set.lot("high", quick);
  push(low, 0, 1);
  push(high, 0, 2);
  pass(std::chrono::hours(1'000));
  EXPECT_EQ(pop().first, high);
}

}  // namespace
}  // namespace cascade
