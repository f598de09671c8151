// triggers/schedule_rule.hpp
//
// When something recurs: a cron expression in a time zone, or a fixed interval. Pure: knows no present.
//
// Units    instants are UTC, microseconds since 1970; the database's time. Ticks of a cron expression
//          are whole seconds.
// DST      an expression whose hour or minute is named (`0 3 * * *`, `30 2,14 * * 1-5`) is a fixed time:
//          it fires exactly once a local day it matches. One that falls into the hour that is skipped
//          in spring fires at the first instant after the gap; in the hour that comes twice in autumn it
//          fires the first time only. An expression whose minute or hour begins with `*` (`*/15 * * * *`)
//          is an interval: it follows elapsed time and fires in both of the doubled hours and in
//          none of the skipped one. The rule is the one of Vixie cron and of systemd's OnCalendar users
//          expect; docs/schedules.md has a table.
// Cost     make: microseconds, plus a lookup in the zone database. next: O(fields), no loop over
//          seconds; an expression that never matches (30 February) is found within 28 years of days.
// Thread   immutable; any.
// Source   expression syntax: Vixie cron, with seconds, names, `L`, `W` and `#` as in Quartz.
// Tests    tests/unit/schedule_rule_test.cpp, tests/property/schedule_rule_test.cpp
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "state/expected.hpp"

namespace cascade {

using instant = std::chrono::sys_time<std::chrono::microseconds>;

struct schedule_problem {
  std::string message;  // "cron: field 2 (hour): 25 is not between 0 and 23"
  std::string hint;     // or empty
};

// As in the row of cascade.schedule; exactly one of `cron` and `every` is given.
struct schedule_source {
  std::string cron;
  std::optional<std::chrono::microseconds> every;  // at least a second, at most 10 years
  std::string time_zone = "UTC";                   // IANA name
  std::optional<instant> starts_at;  // no tick before it; of an interval the first tick
  std::optional<instant> ends_at;    // no tick after it
};

class schedule_rule {
public:
  static expected<schedule_rule, schedule_problem> make(const schedule_source& source);

  // The first tick after `after`; none when there is none, or none within reach (year 2100).
  // An interval counts from starts_at, or from 1970.
  std::optional<instant> next(instant after) const;

private:
  struct compiled;
  explicit schedule_rule(std::shared_ptr<const compiled> c) : rule_(std::move(c)) {}

  std::shared_ptr<const compiled> rule_;
};

}  // namespace cascade
