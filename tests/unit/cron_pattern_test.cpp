#include "triggers/cron_pattern.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cascade {
namespace {

using namespace std::chrono_literals;
using std::chrono::day;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::year;
using std::chrono::year_month;

cron_pattern parsed(const std::string& text) {
  auto made = cron_pattern::parse(text);
  EXPECT_TRUE(made) << text << ": " << (made ? "" : made.error().message);
  return made ? made.value() : cron_pattern{};
}

std::vector<unsigned> days_of(const std::string& text, year_month month) {
  std::vector<unsigned> out;
  const auto set = parsed(text).days_of(month);
  for (unsigned d = 0; d < 32; ++d)
    if (set >> d & 1) out.push_back(d);
  return out;
}
std::vector<unsigned> days_in(const std::string& day_fields, year_month month) {
  return days_of("0 0 " + day_fields, month);
}

std::uint64_t bits(std::initializer_list<unsigned> of) {
  std::uint64_t out = 0;
  for (const unsigned n : of) out |= 1ull << n;
  return out;
}

using list = std::vector<unsigned>;

TEST(cron_pattern, values_ranges_steps_and_lists) {
  EXPECT_EQ(parsed("7 * * * *").minutes, bits({7}));
  EXPECT_EQ(parsed("1,3,5-7 * * * *").minutes, bits({1, 3, 5, 6, 7}));
  EXPECT_EQ(parsed("*/15 * * * *").minutes, bits({0, 15, 30, 45}));
  EXPECT_EQ(parsed("3-20/4 * * * *").minutes, bits({3, 7, 11, 15, 19}));
  EXPECT_EQ(parsed("5/10 * * * *").minutes, bits({5, 15, 25, 35, 45, 55}));
  EXPECT_EQ(parsed("0 0 */10 * *").days, bits({1, 11, 21, 31}));
  EXPECT_EQ(parsed("  0\t0 1   1 * ").months, bits({1}));
}

TEST(cron_pattern, six_fields_begin_with_the_second) {
  EXPECT_EQ(parsed("0 12 * * *").seconds, bits({0}));
  const cron_pattern p = parsed("*/20 5 12 * * *");
  EXPECT_EQ(p.seconds, bits({0, 20, 40}));
  EXPECT_EQ(p.minutes, bits({5}));
  EXPECT_EQ(p.hours, bits({12}));
}

TEST(cron_pattern, names_in_any_case) {
  EXPECT_EQ(parsed("0 0 * jan,Mar-MAY,nov/1 *").months, bits({1, 3, 4, 5, 11, 12}));
  EXPECT_EQ(parsed("0 0 * * mon-Fri").weekdays, bits({1, 2, 3, 4, 5}));
}

TEST(cron_pattern, sunday_is_0_and_7_and_the_week_wraps) {
  EXPECT_EQ(parsed("0 0 * * 0").weekdays, bits({0}));
  EXPECT_EQ(parsed("0 0 * * 7").weekdays, bits({0}));
  EXPECT_EQ(parsed("0 0 * * 5-7").weekdays, bits({5, 6, 0}));
  EXPECT_EQ(parsed("0 0 * * 7-2").weekdays, bits({0, 1, 2}));
  EXPECT_EQ(parsed("0 0 * * FRI-MON").weekdays, bits({5, 6, 0, 1}));
  EXPECT_EQ(parsed("0 0 * * SAT-SUN").weekdays, bits({6, 0}));
  EXPECT_EQ(parsed("0 0 * * FRI-MON/2").weekdays, bits({5, 0}));
  EXPECT_EQ(parsed("0 0 * * 1/2").weekdays, bits({1, 3, 5}));
  EXPECT_EQ(parsed("0 0 * * */2").weekdays, bits({0, 2, 4, 6}));
}

TEST(cron_pattern, the_last_day_of_a_month) {
  EXPECT_EQ(days_in("L * *", year(2024) / 2), list{29});
  EXPECT_EQ(days_in("L * *", year(2023) / 2), list{28});
  EXPECT_EQ(days_in("L-3 * *", year(2026) / 11), list{27});
  EXPECT_EQ(days_in("L,L-30 * *", year(2026) / 10), (list{1, 31}));
  EXPECT_EQ(days_in("L-30 * *", year(2026) / 11), list{});
}

TEST(cron_pattern, the_weekday_nearest_to_a_day_stays_in_its_month) {
  EXPECT_EQ(days_in("15W * *", year(2026) / 11), list{16});  // the 15th is a Sunday
  EXPECT_EQ(days_in("15W * *", year(2026) / 8), list{14});   // a Saturday
  EXPECT_EQ(days_in("15W * *", year(2026) / 10), list{15});  // a Thursday
  EXPECT_EQ(days_in("1W * *", year(2026) / 8), list{3});     // Saturday the 1st
  EXPECT_EQ(days_in("31W * *", year(2026) / 5), list{29});   // Sunday the 31st
  EXPECT_EQ(days_in("31W * *", year(2026) / 2), list{});
  EXPECT_EQ(days_in("LW * *", year(2026) / 5), list{29});
  EXPECT_EQ(days_in("LW * *", year(2026) / 2), list{27});  // the 28th is a Saturday
  EXPECT_EQ(days_in("LW * *", year(2026) / 3), list{31});
}

TEST(cron_pattern, the_nth_and_the_last_weekday_of_a_month) {
  EXPECT_EQ(days_in("? * 5#2", year(2026) / 11), list{13});
  EXPECT_EQ(days_in("? * FRI#2", year(2026) / 11), list{13});
  EXPECT_EQ(days_in("? * SUN#5", year(2026) / 11), list{29});
  EXPECT_EQ(days_in("? * MON#5", year(2026) / 10), list{});
  EXPECT_EQ(days_in("? * 7#1", year(2026) / 11), list{1});
  EXPECT_EQ(days_in("? * 5L", year(2026) / 11), list{27});
  EXPECT_EQ(days_in("? * friL,MON#1,WED", year(2026) / 11), (list{2, 4, 11, 18, 25, 27}));
}

TEST(cron_pattern, of_two_restricted_day_fields_either_matches) {
  EXPECT_EQ(days_in("13 * FRI", year(2026) / 10), (list{2, 9, 13, 16, 23, 30}));
  EXPECT_EQ(days_in("13 * ?", year(2026) / 10), list{13});
  EXPECT_EQ(days_in("? * FRI", year(2026) / 10), (list{2, 9, 16, 23, 30}));
  EXPECT_EQ(days_in("*/2 * FRI", year(2026) / 10), (list{9, 23}));  // `*` does not restrict
}

TEST(cron_pattern, a_star_in_minute_or_hour_makes_it_repeat) {
  for (const char* text : {"* 3 * * *", "*/5 2 * * *", "0 * * * *", "0 */2 * * *", "7,*/20 3 * * *",
                           "0 * 2 * * *", "@hourly"})
    EXPECT_TRUE(parsed(text).repeats) << text;
  for (const char* text : {"0 3 * * *", "0-59 0-23 * * *", "0/5 3 * * *", "* 0 3 * * *",
                           "*/10 30 2 * * *", "@daily", "@weekly"})
    EXPECT_FALSE(parsed(text).repeats) << text;
}

TEST(cron_pattern, macros) {
  const auto same = [](const char* a, const char* b) {
    const cron_pattern x = parsed(a), y = parsed(b);
    return x.minutes == y.minutes && x.hours == y.hours && x.days == y.days &&
           x.months == y.months && x.weekdays == y.weekdays && x.repeats == y.repeats;
  };
  EXPECT_TRUE(same("@yearly", "0 0 1 1 *"));
  EXPECT_TRUE(same("@annually", "0 0 1 1 *"));
  EXPECT_TRUE(same("@monthly", "0 0 1 * *"));
  EXPECT_TRUE(same("@WEEKLY", "0 0 * * 0"));
  EXPECT_TRUE(same("@daily", "0 0 * * *"));
  EXPECT_TRUE(same("@midnight", "0 0 * * *"));
  EXPECT_TRUE(same("@hourly", "0 * * * *"));
}

constexpr local_seconds horizon = local_days(year(2101) / 1 / 1);

TEST(cron_pattern, searches_go_over_the_ends_of_minutes_days_and_years) {
  const cron_pattern p = parsed("30 15,45 8,20 31 DEC *");
  const local_seconds begin = local_days(year(2025) / 12 / 31);
  EXPECT_EQ(p.first_from(begin, horizon), begin + 8h + 15min + 30s);
  EXPECT_EQ(p.first_from(begin + 8h + 15min + 31s, horizon), begin + 8h + 45min + 30s);
  EXPECT_EQ(p.first_from(begin + 9h, horizon), begin + 20h + 15min + 30s);
  EXPECT_EQ(p.first_from(begin + 21h, horizon),
            local_days(year(2026) / 12 / 31) + 8h + 15min + 30s);
  EXPECT_EQ(p.last_until(begin + 8h, local_seconds{}),
            local_days(year(2024) / 12 / 31) + 20h + 45min + 30s);
  EXPECT_EQ(p.last_until(begin + 8h + 45min + 29s, local_seconds{}), begin + 8h + 15min + 30s);
  EXPECT_EQ(p.last_until(begin + 19h, local_seconds{}), begin + 8h + 45min + 30s);
}

TEST(cron_pattern, limits_of_a_search_are_kept) {
  const cron_pattern p = parsed("0 12 * * *");
  const local_seconds noon = local_days(year(2026) / 1 / 1) + 12h;
  EXPECT_EQ(p.first_from(noon, noon), std::nullopt);
  EXPECT_EQ(p.first_from(noon - 1s, noon), std::nullopt);
  EXPECT_EQ(p.first_from(noon - 1s, noon + 1s), noon);
  EXPECT_EQ(p.last_until(noon, noon), noon);
  EXPECT_EQ(p.last_until(noon, noon + 1s), std::nullopt);
  EXPECT_EQ(p.last_until(noon + 1h, noon + 1s), std::nullopt);
}

TEST(cron_pattern, the_29th_of_february_comes_over_the_year_2100) {
  const cron_pattern p = parsed("0 0 29 2 *");
  EXPECT_EQ(p.first_from(local_days(year(2024) / 3 / 1), horizon), local_days(year(2028) / 2 / 29));
  EXPECT_EQ(p.first_from(local_days(year(2096) / 3 / 1), horizon), std::nullopt);
  EXPECT_EQ(p.first_from(local_days(year(2096) / 3 / 1), local_days(year(2200) / 1 / 1)),
            local_days(year(2104) / 2 / 29));
  // The rarest of all: five Fridays in February.
  EXPECT_EQ(parsed("0 0 ? 2 FRI#5").first_from(local_days(year(2008) / 3 / 1), horizon),
            local_days(year(2036) / 2 / 29));
}

TEST(cron_pattern, counting_is_what_searching_finds) {
  for (const char* text : {"*/7 3,22 1-28/3 * *", "0,30 0 0 * * MON", "0 0 LW 2 *"}) {
    const cron_pattern p = parsed(text);
    const local_seconds begin = local_days(year(2023) / 12 / 30) + 3h + 14min;
    for (const auto span : {0s, 1s, 3'600s, 86'400s, 4'000'000s, 40'000'000s}) {
      std::uint64_t n = 0;
      for (auto t = p.first_from(begin + 1s, begin + span + 1s); t;
           t = p.first_from(*t + 1s, begin + span + 1s))
        ++n;
      EXPECT_EQ(p.count(begin, begin + span), n) << text << " " << span.count();
    }
  }
}

}  // namespace
}  // namespace cascade
