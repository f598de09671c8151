// Known days of known zones. Times are UTC; comments give the local ones.
#include "triggers/schedule_rule.hpp"

#include <date/date.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace cascade {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

using times = std::vector<std::string>;

// "2026-03-29 01:00:00", with a fraction or without.
instant at(const char* text) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  EXPECT_EQ(std::sscanf(text, "%d-%u-%u %u:%u:%lf", &year, &month, &day, &hour, &minute, &second),
            6);
  return date::sys_days(date::year(year) / month / day) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + microseconds(std::llround(second * 1e6));
}
std::string text(instant t) {
  const std::string all = date::format("%F %T", t);
  return all.ends_with(".000000") ? all.substr(0, all.size() - 7) : all;
}

schedule_rule made(const schedule_source& source) {
  auto rule = schedule_rule::make(source);
  EXPECT_TRUE(rule) << source.cron << ": " << (rule ? "" : rule.error().message);
  return std::move(rule).value();
}
schedule_rule cron(const std::string& expression, const std::string& zone = "UTC") {
  return made({.cron = expression, .time_zone = zone});
}

// The ticks in (after, until], which last() and count() must know of, too.
times between(const schedule_rule& rule, const char* after, const char* until) {
  times out, backward;
  for (auto t = rule.next(at(after)); t && *t <= at(until); t = rule.next(*t))
    out.push_back(text(*t));
  for (auto t = rule.last(at(until)); t && *t > at(after); t = rule.last(*t - microseconds{1}))
    backward.insert(backward.begin(), text(*t));
  EXPECT_EQ(out, backward);
  EXPECT_EQ(rule.count(at(after), at(until)), out.size());
  return out;
}

TEST(schedule_rule, a_fixed_time_follows_the_clock_of_its_zone) {
  EXPECT_EQ(
      between(cron("0 9 * * 1-5", "Europe/Berlin"), "2026-07-03 00:00:00", "2026-07-07 00:00:00"),
      (times{"2026-07-03 07:00:00", "2026-07-06 07:00:00"}));
  EXPECT_EQ(between(cron("0 9 * * 1-5", "America/New_York"), "2026-01-01 00:00:00",
                    "2026-01-02 23:00:00"),
            (times{"2026-01-01 14:00:00", "2026-01-02 14:00:00"}));
  EXPECT_EQ(between(cron("0 0 29 2 *"), "2024-03-01 00:00:00", "2033-01-01 00:00:00"),
            (times{"2028-02-29 00:00:00", "2032-02-29 00:00:00"}));
}

// 29 March 2026, 01:00 UTC: 02:00 becomes 03:00.
TEST(schedule_rule, in_spring_a_fixed_time_that_is_skipped_fires_after_the_gap) {
  const auto day = [](const char* expression) {
    return between(cron(expression, "Europe/Berlin"), "2026-03-28 23:30:00", "2026-03-29 12:00:00");
  };
  EXPECT_EQ(day("30 2 * * *"), times{"2026-03-29 01:00:00"});
  EXPECT_EQ(day("59 59 2 * * *"), times{"2026-03-29 01:00:00"});
  EXPECT_EQ(day("10,20 2 * * *"), times{"2026-03-29 01:00:00"});  // together, once
  EXPECT_EQ(day("0 2,3 * * *"), times{"2026-03-29 01:00:00"});
  EXPECT_EQ(day("* 30 2 * * *"), times{"2026-03-29 01:00:00"});
  EXPECT_EQ(day("30 1,2,3 * * *"),
            (times{"2026-03-29 00:30:00", "2026-03-29 01:00:00", "2026-03-29 01:30:00"}));
  EXPECT_EQ(day("30 2 28,30 * *"), times{});
}

TEST(schedule_rule, in_spring_what_repeats_is_silent_in_the_gap) {
  const auto night = [](const char* expression) {
    return between(cron(expression, "Europe/Berlin"), "2026-03-29 00:29:59", "2026-03-29 01:30:00");
  };
  EXPECT_EQ(night("*/30 * * * *"),
            (times{"2026-03-29 00:30:00", "2026-03-29 01:00:00", "2026-03-29 01:30:00"}));
  EXPECT_EQ(night("*/10 2 * * *"), times{});
  EXPECT_EQ(night("0 */2 * * *"), times{});
}

// 25 October 2026, 01:00 UTC: 03:00 becomes 02:00.
TEST(schedule_rule, in_autumn_a_fixed_time_fires_the_first_time_only) {
  const auto day = [](const char* expression) {
    return between(cron(expression, "Europe/Berlin"), "2026-10-24 22:30:00", "2026-10-25 02:00:00");
  };
  EXPECT_EQ(day("30 2 * * *"), times{"2026-10-25 00:30:00"});
  EXPECT_EQ(day("0 2,3 * * *"), (times{"2026-10-25 00:00:00", "2026-10-25 02:00:00"}));
  EXPECT_EQ(day("0-59/30 2 * * *"), (times{"2026-10-25 00:00:00", "2026-10-25 00:30:00"}));
  EXPECT_EQ(day("*/30 59 2 * * *"), (times{"2026-10-25 00:59:00", "2026-10-25 00:59:30"}));
}

TEST(schedule_rule, in_autumn_what_repeats_fires_in_both_hours) {
  const auto night = [](const char* expression) {
    return between(cron(expression, "Europe/Berlin"), "2026-10-24 23:59:59", "2026-10-25 02:00:00");
  };
  EXPECT_EQ(night("*/30 * * * *"),
            (times{"2026-10-25 00:00:00", "2026-10-25 00:30:00", "2026-10-25 01:00:00",
                   "2026-10-25 01:30:00", "2026-10-25 02:00:00"}));
  EXPECT_EQ(night("*/30 2 * * *"), (times{"2026-10-25 00:00:00", "2026-10-25 00:30:00",
                                          "2026-10-25 01:00:00", "2026-10-25 01:30:00"}));
  EXPECT_EQ(night("0 */2 * * *"), (times{"2026-10-25 00:00:00", "2026-10-25 01:00:00"}));
}

TEST(schedule_rule, new_york_changes_at_other_hours) {
  const schedule_rule daily = cron("30 2 * * *", "America/New_York");
  EXPECT_EQ(between(daily, "2026-03-08 00:00:00", "2026-03-09 07:00:00"),
            (times{"2026-03-08 07:00:00", "2026-03-09 06:30:00"}));
  EXPECT_EQ(
      between(cron("30 1 * * *", "America/New_York"), "2026-11-01 00:00:00", "2026-11-02 07:00:00"),
      (times{"2026-11-01 05:30:00", "2026-11-02 06:30:00"}));
  EXPECT_EQ(between(cron("30 */1 * * *", "America/New_York"), "2026-11-01 05:00:00",
                    "2026-11-01 08:00:00"),
            (times{"2026-11-01 05:30:00", "2026-11-01 06:30:00", "2026-11-01 07:30:00"}));
}

// Half an hour: 4 October 2026 02:00 becomes 02:30, 5 April 2026 02:00 becomes 01:30.
TEST(schedule_rule, lord_howe_moves_by_half_an_hour) {
  const auto fires = [](const char* expression, const char* after, const char* until) {
    return between(cron(expression, "Australia/Lord_Howe"), after, until);
  };
  EXPECT_EQ(fires("10,20,45 2 * * *", "2026-10-03 12:00:00", "2026-10-04 12:00:00"),
            (times{"2026-10-03 15:30:00", "2026-10-03 15:45:00"}));
  EXPECT_EQ(fires("45 1 * * *", "2026-04-04 12:00:00", "2026-04-05 12:00:00"),
            times{"2026-04-04 14:45:00"});
  EXPECT_EQ(fires("*/15 1 * * *", "2026-04-04 12:00:00", "2026-04-05 12:00:00"),
            (times{"2026-04-04 14:00:00", "2026-04-04 14:15:00", "2026-04-04 14:30:00",
                   "2026-04-04 14:45:00", "2026-04-04 15:00:00", "2026-04-04 15:15:00"}));
}

// From the 29th, 24:00 (-10), straight to the 31st, 00:00 (+14).
TEST(schedule_rule, a_day_that_does_not_exist_has_no_tick) {
  const auto fires = [](const char* expression) {
    return between(cron(expression, "Pacific/Apia"), "2011-12-29 00:00:00", "2011-12-31 20:00:00");
  };
  EXPECT_EQ(fires("0 3 * * *"),
            (times{"2011-12-29 13:00:00", "2011-12-30 13:00:00", "2011-12-31 13:00:00"}));
  EXPECT_EQ(fires("0 3 30 12 *"), times{});
  EXPECT_EQ(fires("0 0 * * *"),
            (times{"2011-12-29 10:00:00", "2011-12-30 10:00:00", "2011-12-31 10:00:00"}));
  EXPECT_EQ(fires("0 */12 * * *"),
            (times{"2011-12-29 10:00:00", "2011-12-29 22:00:00", "2011-12-30 10:00:00",
                   "2011-12-30 22:00:00", "2011-12-31 10:00:00"}));
}

// The clock goes back for Ramadan: 15 February 2026 03:00 becomes 02:00, 22 March 02:00 becomes
// 03:00.
TEST(schedule_rule, casablanca_keeps_ramadan) {
  const schedule_rule rule = cron("30 2 15,22 2,3 *", "Africa/Casablanca");
  EXPECT_EQ(between(rule, "2026-02-01 00:00:00", "2026-04-01 00:00:00"),
            (times{"2026-02-15 01:30:00", "2026-02-22 02:30:00", "2026-03-15 02:30:00",
                   "2026-03-22 02:00:00"}));
}

// On 1 January 1986, 00:00 became 00:15.
TEST(schedule_rule, kathmandu_skipped_a_quarter_of_an_hour) {
  EXPECT_EQ(
      between(cron("5 0 * * *", "Asia/Kathmandu"), "1985-12-30 20:00:00", "1986-01-01 20:00:00"),
      (times{"1985-12-31 18:30:00", "1986-01-01 18:20:00"}));
}

TEST(schedule_rule, an_interval_counts_elapsed_time) {
  EXPECT_EQ(between(made({.every = 36h}), "1970-01-01 00:00:00", "1970-01-05 00:00:00"),
            (times{"1970-01-02 12:00:00", "1970-01-04 00:00:00"}));
  const schedule_rule odd = made(
      {.every = 1500ms, .time_zone = "no zone at all", .starts_at = at("2026-03-29 00:59:58.25")});
  EXPECT_EQ(between(odd, "2020-01-01 00:00:00", "2026-03-29 01:00:01.25"),
            (times{"2026-03-29 00:59:58.250000", "2026-03-29 00:59:59.750000",
                   "2026-03-29 01:00:01.250000"}));
  EXPECT_EQ(made({.every = 10h, .starts_at = at("1969-12-31 20:00:00")}).next(instant::min()),
            at("1970-01-01 06:00:00"));
}

TEST(schedule_rule, both_bounds_belong_to_it) {
  const schedule_rule rule = made({.cron = "0 12 * * *",
                                   .starts_at = at("2026-01-01 12:00:00"),
                                   .ends_at = at("2026-01-03 12:00:00")});
  const times all{"2026-01-01 12:00:00", "2026-01-02 12:00:00", "2026-01-03 12:00:00"};
  EXPECT_EQ(between(rule, "2025-01-01 00:00:00", "2027-01-01 00:00:00"), all);
  const schedule_rule daily = made(
      {.every = 24h, .starts_at = at("2026-01-01 12:00:00"), .ends_at = at("2026-01-03 12:00:00")});
  EXPECT_EQ(between(daily, "2025-01-01 00:00:00", "2027-01-01 00:00:00"), all);
  const schedule_rule inside = made({.cron = "0 12 * * *",
                                     .starts_at = at("2026-01-01 12:00:00.000001"),
                                     .ends_at = at("2026-01-03 11:59:59.999999")});
  EXPECT_EQ(between(inside, "2025-01-01 00:00:00", "2027-01-01 00:00:00"),
            times{"2026-01-02 12:00:00"});
}

TEST(schedule_rule, a_tick_is_after_the_instant_and_last_may_be_at_it) {
  const schedule_rule rule = cron("0 12 * * *");
  const instant noon = at("2026-01-01 12:00:00");
  EXPECT_EQ(rule.next(noon), noon + 24h);
  EXPECT_EQ(rule.next(noon - microseconds{1}), noon);
  EXPECT_EQ(rule.last(noon), noon);
  EXPECT_EQ(rule.last(noon - microseconds{1}), noon - 24h);
}

TEST(schedule_rule, ends_of_time_are_no_trouble) {
  for (const schedule_rule& rule :
       {cron("* * * * * *"), cron("0 0 1 1 *", "Europe/Berlin"), cron("*/5 * * * *", "Asia/Tokyo"),
        made({.every = 1s}), made({.every = 1s, .starts_at = instant::min()})}) {
    EXPECT_TRUE(rule.next(instant::min()));
    EXPECT_EQ(rule.last(instant::min()), std::nullopt);
    EXPECT_EQ(rule.next(instant::max()), std::nullopt);
    EXPECT_TRUE(rule.last(instant::max()));
    EXPECT_EQ(rule.count(instant::max(), instant::min()), 0u);
    EXPECT_GT(rule.count(instant::min(), instant::max()), 100u);
  }
  EXPECT_EQ(made({.every = 1s, .starts_at = instant::max()}).next(instant::min()), std::nullopt);
  EXPECT_EQ(made({.cron = "@daily", .ends_at = instant::min()}).next(instant::min()), std::nullopt);
  EXPECT_EQ(text(*cron("* * * * * *").next(instant::min())), "1970-01-01 00:00:00");
  EXPECT_EQ(text(*cron("* * * * * *").last(instant::max())), "2100-12-31 23:59:59");
  EXPECT_EQ(cron("* * * * * *").count(instant::min(), instant::max()),
            131ull * 365 * 86'400 + 32 * 86'400);
}

// The zone files must be the kind that lists what comes: with the other kind there would be no
// daylight saving after the year of the last change of rules.
TEST(schedule_rule, zones_know_daylight_saving_until_2037) {
  EXPECT_EQ(cron("0 12 1 7 *", "Europe/Berlin").next(at("2037-01-01 00:00:00")),
            at("2037-07-01 10:00:00"));
}

struct problem_case {
  schedule_source source;
  const char* message;
  const char* hint;
};

TEST(schedule_rule, problems_say_what_is_allowed) {
  const auto zone = [](const char* name) {
    return schedule_source{.cron = "@daily", .time_zone = name};
  };
  const std::vector<problem_case> cases{
      {{}, "cron or every: a schedule needs one of them", ""},
      {{.cron = "@daily", .every = 1h}, "cron and every: a schedule has one of them, not both", ""},
      {{.every = 999ms}, "every: an interval is at least a second and at most 3650 days", ""},
      {{.every = -1h}, "every: an interval is at least a second and at most 3650 days", ""},
      {{.every = microseconds::max()},
       "every: an interval is at least a second and at most 3650 days",
       ""},
      {{.every = 1h, .starts_at = at("2026-01-02 00:00:00"), .ends_at = at("2026-01-01 00:00:00")},
       "ends_at is before starts_at",
       ""},
      {{.cron = "0 25 * * *"}, "cron: field 2 (hour): 25 is not between 0 and 23", ""},
      {zone("Europe/Brelin"), "time_zone: \"Europe/Brelin\" is not a known time zone",
       "did you mean \"Europe/Berlin\"?"},
      {zone("EUROPE/BERLIN"), "time_zone: \"EUROPE/BERLIN\" is not a known time zone",
       "did you mean \"Europe/Berlin\"?"},
      {zone("Kathmandu"), "time_zone: \"Kathmandu\" is not a known time zone",
       "did you mean \"Asia/Kathmandu\"?"},
      {zone("+02:00"), "time_zone: \"+02:00\" is not a known time zone",
       "a fixed offset is written the other way round: Etc/GMT-2 is two hours ahead of UTC"},
      {zone(""), "time_zone: \"\" is not a known time zone",
       "write an IANA name such as Europe/Berlin"},
      {zone("localtime"), "time_zone: \"localtime\" is not a known time zone",
       "write an IANA name such as Europe/Berlin"},
      {zone("../../../etc/passwd"), "time_zone: \"../../../etc/passwd\" is not a known time zone",
       "write an IANA name such as Europe/Berlin"},
      {zone("Europe/B\xc3\xa9rlin"), "time_zone: this is not a known time zone",
       "did you mean \"Europe/Berlin\"?"},
  };
  for (const problem_case& each : cases) {
    const auto rule = schedule_rule::make(each.source);
    ASSERT_FALSE(rule) << each.message;
    EXPECT_EQ(rule.error().message, each.message);
    EXPECT_EQ(rule.error().hint, each.hint);
  }
  schedule_source long_name{.cron = "@daily", .time_zone = std::string(1u << 20, 'x')};
  EXPECT_EQ(schedule_rule::make(long_name).error().message,
            "time_zone: this is not a known time zone");
}

}  // namespace
}  // namespace cascade
