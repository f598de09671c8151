// triggers/schedule_rule.hpp
//
// When something recurs: a cron expression in a time zone, or a fixed interval. Pure: knows no
// present.
//
// Units    instants are UTC, microseconds since 1970; the database's time. Ticks of a cron
//          expression are whole seconds.
// DST      an expression with named hours and minutes (`0 3 * * *`, `30 2,14 * * 1-5`) is a fixed
//          time: it fires once on each local day it matches. What falls into the hour that is
//          skipped in spring fires at the first instant after the gap, and several such times fire
//          there once; what falls into the hour that comes twice in autumn fires the first time
//          only. An expression whose minute or hour contains `*` (`*/15 * * * *`) repeats: it fires
//          whenever the clock of the zone shows a matching time, so in both of the doubled hours
//          and not in the skipped one. The second does not count: `* 30 2 * * *` is fixed. A local
//          day that does not exist (Pacific/Apia, 30 December 2011) has no tick. docs/schedules.md
//          has a table.
// Zones    the system's database, read once by a process. Its files end in 2037: what zones do
//          after that is not known, and their last offset goes on. UTC needs no database.
// Reach    ticks lie in the years 1970 to 2100; there are none outside.
// Cost     make: microseconds; the first use of a zone reads its file, the first of all a folder
//          (15 ms). next, last: O(fields), no loop over seconds, below a microsecond for what fires
//          at least once a month; count: microseconds for years.
// Thread   immutable; any.
// Source   expression syntax: Vixie cron, with seconds, names, `L`, `W` and `#` as in Quartz.
// Tests    tests/unit/schedule_rule_test.cpp, tests/property/schedule_rule_test.cpp
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "state/expected.hpp"
#include "state/instant.hpp"

namespace cascade {

struct schedule_problem {
  std::string message;  // "cron: field 2 (hour): 25 is not between 0 and 23"
  std::string hint;     // or empty
};

// As in the row of cascade.schedule; exactly one of `cron` and `every` is given.
struct schedule_source {
  std::string cron{};
  std::optional<std::chrono::microseconds> every{};  // at least a second, at most 10 years
  std::string time_zone = "UTC";                     // IANA name; means nothing to an interval
  std::optional<instant> starts_at{};                // no tick before it; of an interval the first
  std::optional<instant> ends_at{};                  // no tick after it
};

class schedule_rule {
public:
  static expected<schedule_rule, schedule_problem> make(const schedule_source& source);

  // The first tick after `after`; none when there is none.
  // An interval counts from starts_at, or from 1970.
  std::optional<instant> next(instant after) const;
  // The last tick that is not after `until`.
  std::optional<instant> last(instant until) const;
  // How many ticks are after `after` and not after `until`.
  std::uint64_t count(instant after, instant until) const;

private:
  struct compiled;
  explicit schedule_rule(std::shared_ptr<const compiled> c) : rule_(std::move(c)) {}

  std::shared_ptr<const compiled> rule_;
};

}  // namespace cascade
