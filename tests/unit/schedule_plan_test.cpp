#include "triggers/schedule_plan.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

namespace cascade {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::year;

constexpr instant midnight = std::chrono::sys_days(year(2026) / 7 / 1);

schedule_rule rule_of(const schedule_source& source) {
  return std::move(schedule_rule::make(source)).value();
}
const schedule_rule& hourly() {
  static const schedule_rule rule = rule_of({.cron = "0 * * * *"});
  return rule;
}

using instants = std::vector<instant>;
instants hours_of_day(std::initializer_list<int> hours) {
  instants out;
  for (const int h : hours) out.push_back(midnight + std::chrono::hours(h));
  return out;
}

TEST(plan_ticks, nothing_is_due_before_the_next_tick) {
  const auto p = plan_ticks(hourly(), midnight, midnight + 59min, catch_up::all, 10, 1min);
  EXPECT_EQ(p.fire, instants{});
  EXPECT_EQ(p.missed, 0u);
  EXPECT_EQ(p.next, midnight + 1h);
}

TEST(plan_ticks, the_handled_tick_is_not_fired_again_and_one_due_right_now_is) {
  const auto p = plan_ticks(hourly(), midnight, midnight + 1h, catch_up::skip, 1, 0s);
  EXPECT_EQ(p.fire, hours_of_day({1}));
  EXPECT_EQ(p.missed, 0u);
  EXPECT_EQ(p.next, midnight + 2h);
}

TEST(plan_ticks, a_tick_within_the_grace_is_not_missed) {
  const auto late = [](microseconds by) {
    return plan_ticks(hourly(), midnight, midnight + 1h + by, catch_up::skip, 1, 1min);
  };
  EXPECT_EQ(late(1min).fire, hours_of_day({1}));
  EXPECT_EQ(late(1min).missed, 0u);
  EXPECT_EQ(late(1min + 1us).fire, instants{});
  EXPECT_EQ(late(1min + 1us).missed, 1u);
}

TEST(plan_ticks, policies_after_a_night_of_silence) {
  const auto plan = [](catch_up policy, std::size_t most) {
    return plan_ticks(hourly(), midnight, midnight + 5h + 30min, policy, most, 1min);
  };
  EXPECT_EQ(plan(catch_up::skip, 3).fire, instants{});
  EXPECT_EQ(plan(catch_up::skip, 3).missed, 5u);
  EXPECT_EQ(plan(catch_up::last, 3).fire, hours_of_day({5}));
  EXPECT_EQ(plan(catch_up::last, 3).missed, 4u);
  EXPECT_EQ(plan(catch_up::all, 3).fire, hours_of_day({3, 4, 5}));
  EXPECT_EQ(plan(catch_up::all, 3).missed, 2u);
  EXPECT_EQ(plan(catch_up::all, 50).fire, hours_of_day({1, 2, 3, 4, 5}));
  EXPECT_EQ(plan(catch_up::all, 50).missed, 0u);
  for (const auto policy : {catch_up::skip, catch_up::last, catch_up::all})
    EXPECT_EQ(plan(policy, 3).next, midnight + 6h);
}

TEST(plan_ticks, what_is_within_the_grace_comes_on_top_of_what_is_made_up_for) {
  const auto plan = [](catch_up policy) {
    return plan_ticks(hourly(), midnight, midnight + 5h, policy, 2, 1h);
  };
  EXPECT_EQ(plan(catch_up::skip).fire, hours_of_day({4, 5}));
  EXPECT_EQ(plan(catch_up::last).fire, hours_of_day({3, 4, 5}));
  EXPECT_EQ(plan(catch_up::all).fire, hours_of_day({2, 3, 4, 5}));
  EXPECT_EQ(plan(catch_up::all).missed, 1u);
}

TEST(plan_ticks, a_clock_that_went_back_fires_nothing_twice) {
  const auto p = plan_ticks(hourly(), midnight + 5h, midnight + 2h, catch_up::all, 9, 1h);
  EXPECT_EQ(p.fire, instants{});
  EXPECT_EQ(p.missed, 0u);
  EXPECT_EQ(p.next, midnight + 6h);
}

TEST(plan_ticks, after_the_last_tick_there_is_no_next) {
  const schedule_rule once = rule_of({.every = 1h, .starts_at = midnight, .ends_at = midnight});
  const auto p = plan_ticks(once, midnight - 1s, midnight + 1s, catch_up::skip, 1, 1min);
  EXPECT_EQ(p.fire, instants{midnight});
  EXPECT_EQ(p.next, std::nullopt);
  EXPECT_EQ(plan_ticks(once, midnight, midnight + 1s, catch_up::all, 1, 1min).fire, instants{});
}

// Would take minutes if it looked at each of 315 million ticks.
TEST(plan_ticks, ten_years_of_seconds_are_counted_not_walked) {
  for (const schedule_rule& rule :
       {rule_of({.cron = "* * * * * *", .time_zone = "Europe/Berlin"}), rule_of({.every = 1s}),
        rule_of({.cron = "* 0-59 0-23 * * *", .time_zone = "America/New_York"})}) {
    const instant then = midnight - std::chrono::days{3'650};
    const auto p = plan_ticks(rule, then, midnight, catch_up::all, 3, 2s);
    EXPECT_EQ(p.fire.size(), 6u);  // 0, 1 and 2 s late, and three more
    EXPECT_EQ(p.fire.front(), midnight - 5s);
    EXPECT_EQ(p.missed, missed_max);
    EXPECT_EQ(p.next, midnight + 1s);
    EXPECT_EQ(plan_ticks(rule, then, midnight, catch_up::skip, 1, -1s).missed, missed_max);
  }
}

TEST(plan_ticks, no_more_than_missed_max_fire_at_once) {
  const schedule_rule rule = rule_of({.every = 1s});
  const auto p = plan_ticks(rule, midnight - 48h, midnight, catch_up::all, 1'000'000, 0s);
  EXPECT_EQ(p.fire.size(), missed_max);
  EXPECT_EQ(p.fire.back(), midnight);
  EXPECT_EQ(p.missed, 48u * 3'600 - missed_max);
}

TEST(tick_jitter, is_stable_and_within_its_bounds) {
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1'000; ++i) {
    const instant tick = midnight + std::chrono::minutes(i);
    const auto jitter = tick_jitter("nightly", tick, 10s);
    EXPECT_EQ(tick_jitter("nightly", tick, 10s), jitter);
    EXPECT_GE(jitter, 0s);
    EXPECT_LE(jitter, 10s);
    seen.insert(jitter / 1s);
  }
  EXPECT_GE(seen.size(), 10u);
  EXPECT_EQ(tick_jitter("nightly", midnight, 0s), 0s);
  EXPECT_EQ(tick_jitter("nightly", midnight, -1s), 0s);
  std::set<std::int64_t> two;
  for (int i = 0; i < 64; ++i)
    two.insert(tick_jitter("a", midnight + std::chrono::hours(i), 1us).count());
  EXPECT_EQ(two, (std::set<std::int64_t>{0, 1}));  // the bound belongs to it
}

TEST(tick_jitter, differs_between_schedules_of_the_same_tick) {
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1'000; ++i)
    seen.insert(tick_jitter("s" + std::to_string(i), midnight, 1min).count());
  EXPECT_GT(seen.size(), 990u);
}

// Another value here would move the fires of every running installation.
TEST(tick_jitter, never_changes_between_versions) {
  EXPECT_EQ(tick_jitter("nightly", midnight, 1h), microseconds{3'194'780'864});
}

}  // namespace
}  // namespace cascade
