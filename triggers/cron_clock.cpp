#include "triggers/cron_clock.hpp"

#include <date/tz.h>

namespace cascade {
namespace {

using namespace std::chrono;

constexpr hours offset_max{26};

local_seconds latest_shown(sys_seconds t) {
  return local_seconds(t.time_since_epoch() + offset_max);
}
local_seconds earliest_shown(sys_seconds t) {
  return local_seconds(t.time_since_epoch() - offset_max);
}

}  // namespace

cron_clock::stretch cron_clock::at(sys_seconds t) const {
  if (!zone_) return {sys_seconds::min(), sys_seconds::max(), seconds{0}};
  const date::sys_info info = zone_->get_info(t);
  return {info.begin, info.end, info.offset};
}

// The latest that the clock has shown up to an instant.
local_seconds cron_clock::reached(sys_seconds t) const {
  stretch s = at(t);
  local_seconds most = s.shown(t);
  while (s.begin > t - 2 * offset_max) {  // what is longer ago showed less
    const sys_seconds end = s.begin - seconds{1};
    s = at(end);
    most = std::max(most, s.shown(end));
  }
  return most;
}

// The first instant at which the clock shows a time or a later one.
cron_clock::moment cron_clock::reaching(local_seconds l) const {
  sys_seconds t(l.time_since_epoch() - offset_max);
  while (true) {
    const stretch s = at(t);
    const sys_seconds due = std::max(s.begin, s.when(l));
    if (due < s.end) return {due, s.shown(due)};
    t = s.end;
  }
}

bool cron_clock::jumped_over(local_days day) const { return reaching(day).shown >= day + days{1}; }

std::optional<sys_seconds> cron_clock::next(sys_seconds from, sys_seconds limit) const {
  if (from >= limit) return std::nullopt;
  return pattern_.repeats ? next_repeated(from, limit) : next_fixed(from, limit);
}

std::optional<sys_seconds> cron_clock::last(sys_seconds until, sys_seconds limit) const {
  if (until < limit) return std::nullopt;
  return pattern_.repeats ? last_repeated(until, limit) : last_fixed(until, limit);
}

std::optional<sys_seconds> cron_clock::next_fixed(sys_seconds from, sys_seconds limit) const {
  const local_seconds end = latest_shown(limit);
  auto l = pattern_.first_from(reached(from - seconds{1}) + seconds{1}, end);
  while (l) {
    const moment m = reaching(*l);
    const local_days day = floor<days>(*l);
    if (m.shown == *l || !jumped_over(day))
      return m.at < limit ? std::optional(m.at) : std::nullopt;
    l = pattern_.first_from(day + days{1}, end);
  }
  return std::nullopt;
}

std::optional<sys_seconds> cron_clock::last_fixed(sys_seconds until, sys_seconds limit) const {
  const local_seconds begin = earliest_shown(limit);
  auto l = pattern_.last_until(reached(until), begin);
  while (l) {
    const moment m = reaching(*l);
    const local_days day = floor<days>(*l);
    if (m.shown == *l || !jumped_over(day))
      return m.at >= limit ? std::optional(m.at) : std::nullopt;
    l = pattern_.last_until(day - seconds{1}, begin);
  }
  return std::nullopt;
}

// A match is searched for once and kept while the stretches up to it go by; only where the clock
// goes back before the place the search began is there another search.
std::optional<sys_seconds> cron_clock::next_repeated(sys_seconds from, sys_seconds limit) const {
  const local_seconds end = latest_shown(limit);
  local_seconds searched{}, found{};
  for (bool first = true; from < limit; first = false) {
    const stretch s = at(from);
    const local_seconds l = s.shown(from);
    if (first || l < searched || l > found) {
      searched = l;
      found = pattern_.first_from(l, end).value_or(end);
    }
    if (const sys_seconds due = s.when(found); due < s.end)
      return due < limit ? std::optional(due) : std::nullopt;
    from = s.end;
  }
  return std::nullopt;
}

std::optional<sys_seconds> cron_clock::last_repeated(sys_seconds until, sys_seconds limit) const {
  const local_seconds begin = earliest_shown(limit);
  local_seconds searched{}, found{};
  for (bool first = true; until >= limit; first = false) {
    const stretch s = at(until);
    const local_seconds l = s.shown(until);
    if (first || l > searched || l < found) {
      searched = l;
      found = pattern_.last_until(l, begin).value_or(begin - seconds{1});
    }
    if (const sys_seconds due = s.when(found); due >= s.begin)
      return due >= limit ? std::optional(due) : std::nullopt;
    until = s.begin - seconds{1};
  }
  return std::nullopt;
}

// Within a stretch ticks and matches are one to one, but for what a gap before it gathers at its
// first instant.
std::uint64_t cron_clock::count(sys_seconds from, sys_seconds until) const {
  std::uint64_t n = 0;
  while (from <= until) {
    const stretch s = at(from);
    const sys_seconds to = std::min(until, s.end - seconds{1});
    if (pattern_.repeats) {
      n += pattern_.count(s.shown(from) - seconds{1}, s.shown(to));
    } else if (from == s.begin) {
      n += last_fixed(from, from).has_value();
      n += pattern_.count(reached(from), reached(to));
    } else {
      n += pattern_.count(reached(from - seconds{1}), reached(to));
    }
    if (to == until) break;
    from = s.end;
  }
  return n;
}

}  // namespace cascade
