// The plan against a table to which every change is applied at once and in order: when nothing waits
// any more, both are the same; and nothing waits longer than its tier allows.
#include "triggers/priority_plan.hpp"

#include <gtest/gtest.h>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using namespace std::chrono_literals;

constexpr int tasks = 12;

job_id job_of(std::int64_t task) { return job_id{task % 4 == 3 ? 0 : 1 + task % 4}; }

struct world {
  std::mt19937_64 random;
  propagation_settings settings{
      .medium_quiet = 5s, .medium_most = 10s, .low_quiet = 30s, .low_most = 60s};
  priority_plan::time_point start{std::chrono::hours(1)}, now = start;
  priority_plan plan{settings, start};
  std::map<std::int64_t, std::uint8_t> rows, model;  // by task
  std::map<std::int64_t, priority_change> open;      // rows of changes, by id
  std::map<std::int64_t, priority_plan::time_point> came;
  std::int64_t last_id = 0;
  std::uint64_t applied = 0;

  explicit world(std::uint64_t seed) : random(seed) {
    for (int i = 1; i <= tasks; ++i) rows[i] = model[i] = 50;
  }
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  }
  std::chrono::milliseconds most(const priority_change& c) {
    switch (settings.tier_of(c.priority)) {
      case priority_tier::high:
        return 0ms;
      case priority_tier::medium:
        return settings.medium_most;
      case priority_tier::low:
        break;
    }
    return settings.low_most;
  }

  priority_change made() {
    constexpr std::array<std::uint8_t, 7> some{0, 10, 29, 30, 50, 69, 90};
    priority_change c;
    c.id = ++last_id;
    c.priority = some[static_cast<std::size_t>(below(some.size()))];
    if (below(6) == 0) {
      c.job = job_id{1 + below(3)};
      for (auto& [task, priority] : model)
        if (job_of(task) == c.job) priority = c.priority;
    } else {
      c.task = task_id{1 + below(tasks)};
      c.job = job_of(c.task.value);
      c.at_least = below(3) == 0;
      std::uint8_t& p = model[c.task.value];
      p = c.at_least ? std::max(p, c.priority) : c.priority;
    }
    came[c.id] = now;
    open[c.id] = c;
    return c;
  }
  void add(priority_change c) {
    if (c.task) c.now = rows[c.task.value];
    c.age = std::chrono::duration_cast<std::chrono::milliseconds>(now - came[c.id]);
    plan.add(c, now);
  }
  void page(int n) {
    for (int i = 0; i < n; ++i) add(made());
  }
  void work() {
    plan.advance(now);
    while (plan.due()) {
      const auto slice = plan.take(1 + static_cast<std::size_t>(below(4)));
      for (const auto& j : slice.jobs)
        for (auto& [task, priority] : rows)
          if (job_of(task) == j.job) priority = j.priority;
      for (const auto& t : slice.tasks) {
        ASSERT_NE(rows[t.task.value], t.priority) << "a write that changes nothing";
        rows[t.task.value] = t.priority;
      }
      applied += slice.rows();
      for (const auto& d : slice.changes) ASSERT_EQ(open.erase(d.change), 1u);
    }
    for (const auto id : plan.take_void(1'000'000)) ASSERT_EQ(open.erase(id), 1u) << "twice";
    for (const auto& [id, c] : open)
      ASSERT_LT(now - came[id], most(c) + 2ms) << "change " << id << " is late";
  }
  // Everything in memory is lost; the rows are not.
  void die() {
    plan.~priority_plan();
    new (&plan) priority_plan(settings, now);
    for (const auto& [id, c] : std::map(open)) add(c);
  }
};

TEST(priority_plan, ends_where_all_changes_in_their_order_lead_and_keeps_its_times) {
  world w(test_seed());
  for (int round = 0; round < 300; ++round) {
    for (int step = 0; step < 40; ++step) {
      if (w.below(3) != 0) w.page(static_cast<int>(w.below(5)));
      if (w.below(20) == 0) w.die();
      ASSERT_NO_FATAL_FAILURE(w.work()) << "round " << round << " step " << step;
      const auto next = w.plan.next();
      w.now = next && w.below(2) == 0 ? std::max(w.now, *next)
                                      : w.now + std::chrono::milliseconds(w.below(8'000));
      if (next && *next < w.now) w.now = std::max(*next, w.now - 8s);
    }
    while (const auto next = w.plan.next()) {
      w.now = std::max(w.now, *next);
      ASSERT_NO_FATAL_FAILURE(w.work()) << "round " << round;
    }
    ASSERT_NO_FATAL_FAILURE(w.work());
    ASSERT_TRUE(w.open.empty()) << "round " << round;
    ASSERT_EQ(w.plan.size(), 0u);
    ASSERT_EQ(w.rows, w.model) << "round " << round;
  }
  const auto& c = w.plan.counted();
  EXPECT_LT(w.applied, static_cast<std::uint64_t>(w.last_id)) << "most are never written";
  EXPECT_GE(c.received, c.coalesced + c.unchanged);
}

// Transactions commit in any order.
TEST(priority_wish, is_all_its_changes_in_the_order_of_their_ids) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 20'000; ++round) {
    struct change {
      priority_wish::part part;
      bool raises;
    };
    std::vector<change> all(random() % 8);
    std::uint8_t expected = 50;
    for (std::size_t i = 0; i < all.size(); ++i) {
      change& c = all[i];
      c = {{static_cast<std::int64_t>(i + 1), static_cast<std::uint8_t>(random() % 101)},
           random() % 3 != 0};
      expected = c.raises ? std::max(expected, c.part.priority) : c.part.priority;
    }
    std::shuffle(all.begin(), all.end(), random);
    priority_wish wish;
    std::size_t left = all.size();
    for (const change& c : all) wish.add(c.part, c.raises, [&left](std::int64_t) { --left; });
    ASSERT_EQ(wish.of(50), expected);
    wish.for_each_id([&left](std::int64_t) { --left; });
    ASSERT_EQ(left, 0u) << "each change is kept or dropped";
  }
}

struct tiers : ::testing::Test {
  priority_plan::time_point start{std::chrono::hours(1)}, now = start;
  priority_plan plan{{}, start};
  std::int64_t id = 0;

  void change(std::int64_t task, int priority, std::int64_t job = 0, int has = 50,
              bool at_least = false) {
    plan.add({++id, task_id{task}, job_id{job}, static_cast<std::uint8_t>(priority), at_least,
              static_cast<std::uint8_t>(has), 0ms},
             now);
  }
  void job(std::int64_t job, int priority) {
    plan.add({++id, {}, job_id{job}, static_cast<std::uint8_t>(priority), false, {}, 0ms}, now);
  }
  using written = std::vector<std::pair<std::int64_t, int>>;  // jobs are negative
  written after(std::chrono::milliseconds wait) {
    now += wait;
    plan.advance(now);
    written out;
    const auto s = plan.take(1'000);
    for (const auto& j : s.jobs) out.emplace_back(-j.job.value, j.priority);
    for (const auto& t : s.tasks) out.emplace_back(t.task.value, t.priority);
    return out;
  }
};

TEST_F(tiers, an_urgent_change_goes_at_once_a_lesser_one_when_it_is_quiet) {
  change(1, 70);
  change(2, 69);
  change(3, 29);
  EXPECT_EQ(after(0ms), (written{{1, 70}}));
  EXPECT_EQ(plan.waiting(priority_tier::medium), 1u);
  EXPECT_EQ(plan.waiting(priority_tier::low), 1u);
  EXPECT_EQ(after(4'999ms), written{});
  EXPECT_EQ(after(2ms), (written{{2, 69}}));
  EXPECT_EQ(after(24'900ms), written{});
  EXPECT_EQ(after(200ms), (written{{3, 29}}));
}

TEST_F(tiers, what_never_gets_quiet_goes_some_time_after_the_first_change) {
  for (int i = 0; i < 5; ++i) {
    change(1, 60 + i);
    EXPECT_EQ(after(2'000ms - (i == 4 ? 1ms : 0ms)), written{}) << i;
  }
  EXPECT_EQ(after(2ms), (written{{1, 64}}));
  EXPECT_EQ(plan.counted().coalesced, 4u);
}

TEST_F(tiers, a_newer_change_replaces_a_waiting_one_of_another_tier) {
  change(1, 10);
  EXPECT_EQ(after(10s), written{});
  change(1, 90);
  EXPECT_EQ(after(0ms), (written{{1, 90}}));
  EXPECT_EQ(after(10min), written{});
  EXPECT_EQ(plan.take_void(10), (std::vector<std::int64_t>{1}));
}

TEST_F(tiers, a_change_back_leaves_nothing_to_do) {
  change(1, 10);
  change(1, 50);
  EXPECT_EQ(plan.size(), 0u);
  EXPECT_EQ(plan.take_void(10), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(plan.counted().unchanged, 1u);
}

TEST_F(tiers, a_change_takes_older_ones_of_its_job_along_and_leaves_newer_ones) {
  job(7, 20);
  change(1, 10, 7);
  change(2, 95, 7);
  change(3, 15, 7);
  change(4, 15, 8);
  EXPECT_EQ(after(0ms), (written{{-7, 20}, {1, 10}, {2, 95}}));
  EXPECT_EQ(after(30s), (written{{3, 15}, {4, 15}}));
}

TEST_F(tiers, a_change_of_a_job_replaces_older_ones_of_its_tasks) {
  change(1, 10, 7);
  change(2, 10, 8);
  job(7, 80);
  EXPECT_EQ(after(0ms), (written{{-7, 80}}));
  EXPECT_EQ(after(30s), (written{{2, 10}}));
}

TEST_F(tiers, a_raise_never_lowers) {
  change(1, 40, 0, 50, true);
  EXPECT_EQ(plan.size(), 0u);
  change(1, 20);
  change(1, 35, 0, 50, true);
  EXPECT_EQ(after(5s), (written{{1, 35}}));
}

TEST_F(tiers, when_too_many_wait_nothing_waits_any_longer) {
  propagation_settings few;
  few.waiting_max = 20;
  priority_plan crowded(few, start);
  for (int i = 1; i <= 10; ++i) crowded.add({i, task_id{i}, {}, 10, false, 50, 0ms}, now);
  EXPECT_EQ(crowded.waiting(priority_tier::low), 0u);
  EXPECT_EQ(crowded.take(100).rows(), 10u);
  crowded.add({11, task_id{11}, {}, 10, false, 50, 0ms}, now);
  EXPECT_FALSE(crowded.due());
}

}  // namespace
}  // namespace cascade
