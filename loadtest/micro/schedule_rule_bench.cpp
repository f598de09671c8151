// Goal: 10,000 schedules find their next ticks, at a start, in less than 100 ms: at most 10 us a
// next, whatever the expression; a plan after ten years of silence in less than 10 ms.
//
// Each next starts where the last one ended, from 2026 on and back to there when it leaves 2030, so
// that transitions are met as often as they come.
#include <benchmark/benchmark.h>

#include "triggers/cron_pattern.hpp"
#include "triggers/schedule_plan.hpp"

namespace {

using namespace cascade;
using namespace std::chrono_literals;

constexpr instant begin = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
constexpr instant end = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1);

schedule_rule rule_of(const char* cron, const char* zone) {
  return std::move(schedule_rule::make({.cron = cron, .time_zone = zone})).value();
}

void next(benchmark::State& state, const char* cron, const char* zone) {
  const schedule_rule rule = rule_of(cron, zone);
  instant at = begin;
  for (auto _ : state) {
    const auto tick = rule.next(at);
    benchmark::DoNotOptimize(tick);
    at = tick && *tick < end ? *tick : begin;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(next, daily_utc, "0 3 * * *", "UTC");
BENCHMARK_CAPTURE(next, daily_berlin, "0 3 * * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next, skipped_hour_berlin, "30 2 * * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next, every_five_minutes_berlin, "*/5 * * * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next, every_second_berlin, "* * * * * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next, last_weekday_berlin, "0 9 LW,15W * FRI#2", "Europe/Berlin");
BENCHMARK_CAPTURE(next, leap_day_berlin, "0 0 29 2 *", "Europe/Berlin");
BENCHMARK_CAPTURE(next, leap_day_repeated_berlin, "* * 29 2 *", "Europe/Berlin");
BENCHMARK_CAPTURE(next, five_fridays_in_february, "0 0 ? 2 FRI#5", "Europe/Berlin");
BENCHMARK_CAPTURE(next, five_fridays_repeated, "* * ? 2 FRI#5", "Europe/Berlin");

// Nothing comes any more: the search goes on to the end of 2100.
void none_left(benchmark::State& state, const char* cron) {
  const schedule_rule rule = rule_of(cron, "Europe/Berlin");
  // The last five Fridays of a February are in 2092.
  const instant late = std::chrono::sys_days(std::chrono::year(2092) / 3 / 1);
  for (auto _ : state) benchmark::DoNotOptimize(rule.next(late));
}
BENCHMARK_CAPTURE(none_left, fixed, "0 0 ? 2 FRI#5");
BENCHMARK_CAPTURE(none_left, repeated, "* * ? 2 FRI#5");

// 30 February: looked for once, in all years.
void refuse_never_matching(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(cron_pattern::parse("0 0 30 2 *"));
}
BENCHMARK(refuse_never_matching);

void make(benchmark::State& state, const char* cron, const char* zone) {
  for (auto _ : state) benchmark::DoNotOptimize(rule_of(cron, zone));
}
BENCHMARK_CAPTURE(make, utc, "0 3 * * *", "UTC");
BENCHMARK_CAPTURE(make, berlin, "*/5 8-18 * JAN-NOV MON-FRI", "Europe/Berlin");

void plan_after_ten_years(benchmark::State& state, const char* cron) {
  const schedule_rule rule = rule_of(cron, "Europe/Berlin");
  for (auto _ : state)
    benchmark::DoNotOptimize(
        plan_ticks(rule, begin - std::chrono::days{3'650}, begin, catch_up::all, 10, 1min));
}
BENCHMARK_CAPTURE(plan_after_ten_years, every_second, "* * * * * *");
BENCHMARK_CAPTURE(plan_after_ten_years, every_second_fixed, "* 0-59 0-23 * * *");
BENCHMARK_CAPTURE(plan_after_ten_years, daily, "0 3 * * *");

}  // namespace
