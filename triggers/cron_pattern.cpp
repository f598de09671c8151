#include "triggers/cron_pattern.hpp"

#include <bit>

namespace cascade {
namespace {

using namespace std::chrono;

constexpr seconds day_end{86'399};  // its last second

struct hms {
  unsigned hour, minute, second;
};

hms split(seconds of_day) {
  const auto s = static_cast<unsigned>(of_day.count());
  return {s / 3'600, s / 60 % 60, s % 60};
}
seconds join(int hour, int minute, int second) {
  return hours{hour} + minutes{minute} + std::chrono::seconds{second};
}

// The parts of a set from n up, and below n; n may be one more than the highest bit.
std::uint64_t from_bit(std::uint64_t set, unsigned n) { return n > 63 ? 0 : set >> n << n; }
std::uint64_t below_bit(std::uint64_t set, unsigned n) { return set & ~from_bit(~0ull, n); }

int lowest(std::uint64_t set) { return std::countr_zero(set); }
int highest(std::uint64_t set) { return 63 - std::countl_zero(set); }
bool has(std::uint64_t set, unsigned n) { return set >> n & 1; }

unsigned length_of(year_month m) { return static_cast<unsigned>((m / last).day()); }
unsigned first_weekday_of(year_month m) { return weekday(local_days(m / 1)).c_encoding(); }

// Monday to Friday, not outside the month.
unsigned nearest_weekday_to(unsigned day, unsigned length, unsigned first_weekday) {
  const unsigned on = (first_weekday + day - 1) % 7;
  if (on == 6) return day == 1 ? 3 : day - 1;
  if (on == 0) return day == length ? day - 2 : day + 1;
  return day;
}

}  // namespace

std::uint32_t cron_pattern::days_of(year_month month) const {
  if (!has(months, static_cast<unsigned>(month.month()))) return 0;
  const unsigned length = length_of(month), first = first_weekday_of(month);
  const std::uint32_t valid = (2u << length) - 2;

  std::uint32_t by_day = days;
  for (std::uint32_t left = days_before_last; left != 0; left &= left - 1)
    if (const auto n = static_cast<unsigned>(lowest(left)); n < length)
      by_day |= 1u << (length - n);
  for (std::uint32_t left = nearest_weekday & valid; left != 0; left &= left - 1)
    by_day |= 1u << nearest_weekday_to(static_cast<unsigned>(lowest(left)), length, first);
  if (last_weekday) {
    const unsigned on = (first + length - 1) % 7;
    by_day |= 1u << (length - (on == 6 ? 1 : on == 0 ? 2 : 0));
  }

  std::uint32_t by_weekday = weekdays == 0x7f ? valid : 0;
  for (unsigned on = 0; on < 7 && by_weekday != valid; ++on) {
    constexpr std::uint32_t weekly = 1u | 1u << 7 | 1u << 14 | 1u << 21 | 1u << 28;
    const unsigned earliest = 1 + (on + 7 - first) % 7;
    const std::uint32_t all = weekly << earliest & valid;
    if (has(weekdays, on)) by_weekday |= all;
    if (has(last_of_weekday, on)) by_weekday |= std::bit_floor(all);
    for (unsigned n = 1; n <= 5 && nth_of_weekday[on] != 0; ++n)
      if (has(nth_of_weekday[on], n))
        by_weekday |= all & static_cast<std::uint32_t>(1ull << (earliest + 7 * (n - 1)));
  }
  const bool both = any_day || any_weekday;
  return (both ? by_day & by_weekday : by_day | by_weekday) & valid;
}

std::optional<seconds> cron_pattern::time_from(std::chrono::seconds of_day) const {
  const auto [h, m, s] = split(of_day);
  if (has(hours, h)) {
    if (has(minutes, m))
      if (const auto left = from_bit(seconds, s))
        return join(static_cast<int>(h), static_cast<int>(m), lowest(left));
    if (const auto left = from_bit(minutes, m + 1))
      return join(static_cast<int>(h), lowest(left), lowest(seconds));
  }
  if (const auto left = from_bit(hours, h + 1))
    return join(lowest(left), lowest(minutes), lowest(seconds));
  return std::nullopt;
}

std::optional<seconds> cron_pattern::time_until(std::chrono::seconds of_day) const {
  const auto [h, m, s] = split(of_day);
  if (has(hours, h)) {
    if (has(minutes, m))
      if (const auto left = below_bit(seconds, s + 1))
        return join(static_cast<int>(h), static_cast<int>(m), highest(left));
    if (const auto left = below_bit(minutes, m))
      return join(static_cast<int>(h), highest(left), highest(seconds));
  }
  if (const auto left = below_bit(hours, h))
    return join(highest(left), highest(minutes), highest(seconds));
  return std::nullopt;
}

std::uint64_t cron_pattern::times_until(std::chrono::seconds of_day) const {
  const auto size = [](std::uint64_t set) {
    return static_cast<std::uint64_t>(std::popcount(set));
  };
  const auto [h, m, s] = split(of_day);
  std::uint64_t n = size(below_bit(hours, h)) * size(minutes) * size(seconds);
  if (!has(hours, h)) return n;
  n += size(below_bit(minutes, m)) * size(seconds);
  if (has(minutes, m)) n += size(below_bit(seconds, s + 1));
  return n;
}

std::optional<local_seconds> cron_pattern::first_from(local_seconds from,
                                                      local_seconds limit) const {
  if (from >= limit) return std::nullopt;
  const auto within = [&](local_seconds t) { return t < limit ? std::optional(t) : std::nullopt; };
  const local_days today = floor<std::chrono::days>(from);
  const year_month_day date{today};
  year_month month = date.year() / date.month();
  const auto day = static_cast<unsigned>(date.day());
  auto left = from_bit(days_of(month), day);
  if (has(left, day)) {
    if (const auto time = time_from(from - today)) return within(today + *time);
    left = from_bit(left, day + 1);
  }
  const year_month_day end{floor<std::chrono::days>(limit)};
  while (left == 0) {
    month += std::chrono::months{1};
    if (month > end.year() / end.month()) return std::nullopt;
    left = days_of(month);
  }
  return within(local_days(month / lowest(left)) + *time_from({}));
}

std::optional<local_seconds> cron_pattern::last_until(local_seconds until,
                                                      local_seconds limit) const {
  if (until < limit) return std::nullopt;
  const auto within = [&](local_seconds t) { return t >= limit ? std::optional(t) : std::nullopt; };
  const local_days today = floor<std::chrono::days>(until);
  const year_month_day date{today};
  year_month month = date.year() / date.month();
  const auto day = static_cast<unsigned>(date.day());
  auto left = below_bit(days_of(month), day + 1);
  if (has(left, day)) {
    if (const auto time = time_until(until - today)) return within(today + *time);
    left = below_bit(left, day);
  }
  const year_month_day begin{floor<std::chrono::days>(limit)};
  while (left == 0) {
    month -= std::chrono::months{1};
    if (month < begin.year() / begin.month()) return std::nullopt;
    left = days_of(month);
  }
  return within(local_days(month / highest(left)) + *time_until(day_end));
}

std::uint64_t cron_pattern::count(local_seconds after, local_seconds until) const {
  if (after >= until) return 0;
  const auto matching_days = [&](local_days from, local_days to) {  // [from, to)
    std::uint64_t n = 0;
    const year_month_day first{from}, end{to};
    for (year_month m = first.year() / first.month(); m <= end.year() / end.month();
         m += std::chrono::months{1}) {
      std::uint64_t set = days_of(m);
      if (m == first.year() / first.month())
        set = from_bit(set, static_cast<unsigned>(first.day()));
      if (m == end.year() / end.month()) set = below_bit(set, static_cast<unsigned>(end.day()));
      n += static_cast<std::uint64_t>(std::popcount(set));
    }
    return n;
  };
  // Matches of a day up to a time of it.
  const auto begun = [&](local_seconds t) {
    const local_days day = floor<std::chrono::days>(t);
    const year_month_day date{day};
    return has(days_of(date.year() / date.month()), static_cast<unsigned>(date.day()))
               ? times_until(t - day)
               : 0;
  };
  const local_days first = floor<std::chrono::days>(after), end = floor<std::chrono::days>(until);
  return matching_days(first, end) * times_until(day_end) - begun(after) + begun(until);
}

}  // namespace cascade
