#include "triggers/schedule_rule.hpp"

#include <date/tz.h>

#include <algorithm>
#include <vector>

#include "state/suggest.hpp"
#include "triggers/cron_clock.hpp"

namespace cascade {
namespace {

using namespace std::chrono;

constexpr microseconds every_min = seconds{1}, every_max = days{3'650};
constexpr std::string_view machine_zone = "localtime";  // another one on another machine
constexpr instant reach_begin{}, reach_end = sys_days(2101y / 1 / 1);

std::string folded(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// europe/berlin, Berlin, Europe/Brelin, +02:00
std::string zone_hint(std::string_view name, const std::vector<std::string>& known) {
  const std::string small = folded(name);
  for (const std::string& each : known)
    if (const std::string have = folded(each);
        have == small || have.substr(have.rfind('/') + 1) == small)
      return "did you mean \"" + each + "\"?";
  if (name.find_first_of("0123456789") < 5)
    return "a fixed offset is written the other way round: Etc/GMT-2 is two hours ahead of UTC";
  std::string hint = suggestion(name, known);
  return hint.empty() ? "write an IANA name such as Europe/Berlin" : hint;
}

schedule_problem zone_problem(std::string_view name, const std::vector<std::string>& known) {
  const bool plain = std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; });
  const std::string shown = plain && name.size() <= 64 ? "\"" + std::string(name) + "\"" : "this";
  return {"time_zone: " + shown + " is not a known time zone", zone_hint(name, known)};
}

// Null for UTC, so that it works where no database is installed.
expected<const date::time_zone*, schedule_problem> find_zone(const std::string& name) try {
  if (name == "UTC" || name == "Etc/UTC") return nullptr;
  const auto& zones = date::get_tzdb().zones;
  const auto at = std::ranges::lower_bound(zones, name, {}, &date::time_zone::name);
  if (at != zones.end() && at->name() == name && name != machine_zone) {
    at->get_info(date::sys_seconds{});  // reads its file, or throws
    return &*at;
  }
  std::vector<std::string> known;
  for (const date::time_zone& zone : zones)
    if (zone.name() != machine_zone) known.push_back(zone.name());
  return zone_problem(name, known);
} catch (const std::exception& e) {
  return schedule_problem{std::string("time_zone: the zone database cannot be read: ") + e.what(),
                          "install the package tzdata"};
}

}  // namespace

struct schedule_rule::compiled {
  std::optional<cron_clock> clock;
  microseconds every{}, phase{};  // without a clock: ticks are phase + n * every, from 1970
  instant begin = reach_begin;    // no tick before it
  instant end = reach_end - microseconds{1};  // none after it

  // Of an interval: the number of the last tick not after t.
  std::int64_t index_of(instant t) const {
    return floor_div((t.time_since_epoch() - phase).count(), every.count());
  }
  instant tick(std::int64_t index) const { return instant(phase + index * every); }

  static std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
  }
};

expected<schedule_rule, schedule_problem> schedule_rule::make(const schedule_source& source) {
  compiled out;
  if (source.cron.empty() == !source.every)
    return schedule_problem{source.every ? "cron and every: a schedule has one of them, not both"
                                         : "cron or every: a schedule needs one of them",
                            ""};
  if (source.starts_at && source.ends_at && *source.ends_at < *source.starts_at)
    return schedule_problem{"ends_at is before starts_at", ""};
  if (source.starts_at) out.begin = std::max(out.begin, *source.starts_at);
  if (source.ends_at) out.end = std::min(out.end, *source.ends_at);

  if (source.every) {
    if (*source.every < every_min || *source.every > every_max)
      return schedule_problem{"every: an interval is at least a second and at most 3650 days", ""};
    out.every = *source.every;
    if (source.starts_at) out.phase = source.starts_at->time_since_epoch() % out.every;
  } else {
    auto pattern = cron_pattern::parse(source.cron);
    if (!pattern) return std::move(pattern).error();
    auto zone = find_zone(source.time_zone);
    if (!zone) return std::move(zone).error();
    out.clock.emplace(pattern.value(), zone.value());
  }
  return schedule_rule(std::make_shared<const compiled>(std::move(out)));
}

std::optional<instant> schedule_rule::next(instant after) const {
  const compiled& r = *rule_;
  if (after >= r.end) return std::nullopt;
  const instant from = std::max(r.begin, after + microseconds{1});
  if (from > r.end) return std::nullopt;
  if (r.clock) return r.clock->next(ceil<seconds>(from), floor<seconds>(r.end) + seconds{1});
  const instant tick = r.tick(r.index_of(from - microseconds{1}) + 1);
  return tick <= r.end ? std::optional(tick) : std::nullopt;
}

std::optional<instant> schedule_rule::last(instant until) const {
  const compiled& r = *rule_;
  until = std::min(until, r.end);
  if (until < r.begin) return std::nullopt;
  if (r.clock) return r.clock->last(floor<seconds>(until), ceil<seconds>(r.begin));
  const instant tick = r.tick(r.index_of(until));
  return tick >= r.begin ? std::optional(tick) : std::nullopt;
}

std::uint64_t schedule_rule::count(instant after, instant until) const {
  const compiled& r = *rule_;
  until = std::min(until, r.end);
  if (after >= until) return 0;
  const instant from = std::max(r.begin, after + microseconds{1});
  if (from > until) return 0;
  if (r.clock) return r.clock->count(ceil<seconds>(from), floor<seconds>(until));
  return static_cast<std::uint64_t>(r.index_of(until) - r.index_of(from - microseconds{1}));
}

}  // namespace cascade
