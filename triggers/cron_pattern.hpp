// triggers/cron_pattern.hpp
//
// Which local times a cron expression names: a calendar and a clock face, no zones.
//
// Fields   5 (minute hour day-of-month month day-of-week) or 6 (second first), or a macro such as
//          @daily. docs/schedules.md has the table.
// Days     with both day fields restricted either may match, as in Vixie cron; a field that
//          contains `*` or `?` does not restrict, so that then both must.
// Limits   200 bytes of printable ASCII. A pattern that no day between 1970 and 2100 matches is
//          refused.
// Cost     parse: microseconds. first_from and last_until O(months between) of a few ns each;
//          count likewise; nothing loops over hours, minutes or seconds.
// Thread   immutable once parsed; any.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "triggers/schedule_rule.hpp"

namespace cascade {

struct cron_pattern {
  static constexpr std::size_t bytes_max = 200;
  static expected<cron_pattern, schedule_problem> parse(std::string_view text);

  // Sets of numbers as bits, bit n for n.
  std::uint64_t seconds = 0, minutes = 0;
  std::uint32_t hours = 0, days = 0;
  std::uint16_t months = 0;
  std::uint8_t weekdays = 0;  // 0 is Sunday

  std::uint32_t days_before_last = 0;  // L-n; L is bit 0
  std::uint32_t nearest_weekday = 0;   // nW
  bool last_weekday = false;           // LW
  std::array<std::uint8_t, 7> nth_of_weekday{};
  std::uint8_t last_of_weekday = 0;

  bool any_day = false;      // day-of-month does not restrict
  bool any_weekday = false;  // day-of-week does not
  bool repeats = false;      // minute or hour contains `*`: an interval, not a fixed time

  // The first match in [from, limit).
  std::optional<std::chrono::local_seconds> first_from(std::chrono::local_seconds from,
                                                       std::chrono::local_seconds limit) const;
  // The last match in [limit, until].
  std::optional<std::chrono::local_seconds> last_until(std::chrono::local_seconds until,
                                                       std::chrono::local_seconds limit) const;
  // How many matches are in (after, until].
  std::uint64_t count(std::chrono::local_seconds after, std::chrono::local_seconds until) const;

  // The days of a month that match, bit n for day n.
  std::uint32_t days_of(std::chrono::year_month month) const;

private:
  std::optional<std::chrono::seconds> time_from(std::chrono::seconds of_day) const;
  std::optional<std::chrono::seconds> time_until(std::chrono::seconds of_day) const;
  std::uint64_t times_until(std::chrono::seconds of_day) const;
};

}  // namespace cascade
