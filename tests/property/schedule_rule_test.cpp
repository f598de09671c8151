// schedule_rule against a slow and literal reading of its rule: around transitions of real zones,
// every minute of the local calendar is looked up in the zone and judged by itself, seconds too
// where the minute is not whole.
//
// CASCADE_TEST_ALL_ZONES=1 tries every transition from 1970 to 2037 of every zone; otherwise it is
// a sample. CASCADE_SEED repeats one.
#include "triggers/schedule_rule.hpp"

#include <date/tz.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "tests/support/seed.hpp"
#include "triggers/cron_pattern.hpp"

namespace cascade {
namespace {

using date::local_days;
using date::local_seconds;
using date::sys_seconds;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct civil {
  int year;
  unsigned month, day, weekday, length;  // 0 is Sunday; days of the month
  bool workday() const { return weekday != 0 && weekday != 6; }
};

// What an expression means, said once more without its syntax.
struct sample {
  const char* cron;
  bool repeats;
  std::function<bool(const civil&)> day;
  std::function<bool(int hour, int minute)> time;
  std::set<int> at_seconds = {0};
};

bool any_day(const civil&) { return true; }

const std::vector<sample>& samples() {
  static const std::vector<sample> all{
      {"0 0 * * *", false, any_day, [](int h, int m) { return h == 0 && m == 0; }},
      {"30 2 * * *", false, any_day, [](int h, int m) { return h == 2 && m == 30; }},
      {"0,15,30,45 0-4 * * *", false, any_day, [](int h, int m) { return h <= 4 && m % 15 == 0; }},
      {"10,20 2,14 * * 1-5", false, [](const civil& d) { return d.workday(); },
       [](int h, int m) { return (h == 2 || h == 14) && (m == 10 || m == 20); }},
      {"59 23 * * *", false, any_day, [](int h, int m) { return h == 23 && m == 59; }},
      {"*/20 30 0-23 * * *", false, any_day, [](int, int m) { return m == 30; }, {0, 20, 40}},
      {"59 59 0,1,2,3,23 * * *",
       false,
       any_day,
       [](int h, int m) { return (h <= 3 || h == 23) && m == 59; },
       {59}},
      {"* 0 0 * * *", false, any_day, [](int h, int m) { return h == 0 && m == 0; },
       [] {
         std::set<int> s;
         for (int i = 0; i < 60; ++i) s.insert(i);
         return s;
       }()},
      {"0-59 1-3 * * *", false, any_day, [](int h, int) { return h >= 1 && h <= 3; }},
      {"15 1 L * *", false, [](const civil& d) { return d.day == d.length; },
       [](int h, int m) { return h == 1 && m == 15; }},
      {"45 0,1 * * SUNL", false,
       [](const civil& d) { return d.weekday == 0 && d.day + 7 > d.length; },
       [](int h, int m) { return h <= 1 && m == 45; }},
      {"0 2 ? * SUN#2,SAT#1", false,
       [](const civil& d) {
         return (d.weekday == 0 && d.day >= 8 && d.day <= 14) || (d.weekday == 6 && d.day <= 7);
       },
       [](int h, int m) { return h == 2 && m == 0; }},
      {"5 0 1W,LW * *", false,
       [](const civil& d) {
         const bool first = d.workday() && (d.day == 1 || (d.weekday == 1 && d.day <= 3));
         const bool last =
             d.workday() && (d.day == d.length || (d.weekday == 5 && d.day + 2 >= d.length));
         return first || last;
       },
       [](int h, int m) { return h == 0 && m == 5; }},
      {"30 0-3 1,15 * SUN", false,
       [](const civil& d) { return d.day == 1 || d.day == 15 || d.weekday == 0; },
       [](int h, int m) { return h <= 3 && m == 30; }},
      {"*/15 * * * *", true, any_day, [](int, int m) { return m % 15 == 0; }},
      {"0 * * * *", true, any_day, [](int, int m) { return m == 0; }},
      {"* 3 * * *", true, any_day, [](int h, int) { return h == 3; }},
      {"*/10 2 * * 0,6", true, [](const civil& d) { return !d.workday(); },
       [](int h, int m) { return h == 2 && m % 10 == 0; }},
      {"7,37 */20 */6 L-1,L * *",
       true,
       [](const civil& d) { return d.day + 1 >= d.length; },
       [](int h, int m) { return h % 6 == 0 && m % 20 == 0; },
       {7, 37}},
      {"*/15 */7 * * * *", true, any_day, [](int, int m) { return m % 7 == 0; }, {0, 15, 30, 45}},
  };
  return all;
}

class reference {
public:
  reference(const date::time_zone& zone, sys_seconds after, sys_seconds until)
      : zone_(zone), after_(after), until_(until), ticks_(samples().size()) {
    // Times of the calendar that fall into a gap may be a day off those that the clock shows.
    const auto begin = date::floor<minutes>(zone.to_local(after)) - hours{25};
    const auto end = zone.to_local(until) + hours{25};
    for (local_seconds l = begin; l < end; l += minutes{1}) minute(l);
    for (auto& each : ticks_) {
      std::ranges::sort(each);
      each.erase(std::unique(each.begin(), each.end()), each.end());
    }
  }
  const std::vector<sys_seconds>& ticks(std::size_t sample) const { return ticks_[sample]; }

private:
  static civil civil_of(local_days day) {
    const date::year_month_day d{day};
    const auto length = static_cast<unsigned>((d.year() / d.month() / date::last).day());
    return {static_cast<int>(d.year()), static_cast<unsigned>(d.month()),
            static_cast<unsigned>(d.day()), date::weekday(day).c_encoding(), length};
  }

  void minute(local_seconds l) {
    const local_days day = date::floor<days>(l);
    if (day != day_) {
      day_ = day;
      const civil c = civil_of(day);
      on_day_.clear();
      for (const sample& s : samples()) on_day_.push_back(s.day(c));
    }
    const int hour = static_cast<int>((l - day) / hours{1});
    const int minute = static_cast<int>((l - day) / minutes{1} % 60);
    bool looked_up = false, whole = false;
    date::local_info first;
    for (std::size_t i = 0; i < samples().size(); ++i) {
      const sample& s = samples()[i];
      if (!on_day_[i] || !s.time(hour, minute)) continue;
      if (!looked_up) {
        first = zone_.get_info(l);
        const auto last = zone_.get_info(l + seconds{59});
        whole = first.result == date::local_info::unique && last.result == first.result &&
                first.first.begin == last.first.begin;
        looked_up = true;
      }
      for (const int at : s.at_seconds)
        judge(i, l + seconds{at}, whole ? first : zone_.get_info(l + seconds{at}));
    }
  }

  // The table of docs/schedules.md, line by line.
  void judge(std::size_t i, local_seconds l, const date::local_info& info) {
    const auto earlier = sys_seconds(l.time_since_epoch() - info.first.offset);
    const auto later = sys_seconds(l.time_since_epoch() - info.second.offset);
    switch (info.result) {
      case date::local_info::unique:
        add(i, earlier);
        break;
      case date::local_info::ambiguous:
        add(i, earlier);
        if (samples()[i].repeats) add(i, later);
        break;
      case date::local_info::nonexistent:
        if (!samples()[i].repeats && exists(date::floor<days>(l))) add(i, info.second.begin);
        break;
    }
  }
  void add(std::size_t i, sys_seconds t) {
    if (t > after_ && t <= until_) ticks_[i].push_back(t);
  }
  bool exists(local_days day) {
    const auto [at, fresh] = days_.emplace(day, false);
    if (fresh)
      for (int m = 0; m < 24 * 60; ++m)
        at->second |= zone_.get_info(day + minutes{m}).result != date::local_info::nonexistent;
    return at->second;
  }

  const date::time_zone& zone_;
  sys_seconds after_, until_;
  std::vector<std::vector<sys_seconds>> ticks_;
  local_days day_ = local_days::min();
  std::vector<bool> on_day_;
  std::map<local_days, bool> days_;
};

struct place {
  const date::time_zone* zone;
  sys_seconds transition;
};

std::vector<sys_seconds> transitions(const date::time_zone& zone) {
  std::vector<sys_seconds> out;
  const sys_seconds end = date::sys_days(date::year(2038) / 1 / 1);
  for (auto info = zone.get_info(sys_seconds{}); info.end < end; info = zone.get_info(info.end))
    out.push_back(info.end);
  return out;
}

// Names that mean the same are one zone.
std::vector<place> places() {
  std::vector<place> out;
  std::set<std::vector<std::int64_t>> known;
  for (const date::time_zone& zone : date::get_tzdb().zones) {
    if (zone.name() == "localtime") continue;
    std::vector<std::int64_t> signature{zone.get_info(sys_seconds{}).offset.count()};
    const auto all = transitions(zone);
    for (const sys_seconds t : all) {
      signature.push_back(t.time_since_epoch().count());
      signature.push_back(zone.get_info(t).offset.count());
    }
    if (!known.insert(signature).second) continue;
    for (const sys_seconds t : all) out.push_back({&zone, t});
  }
  return out;
}

std::string text_of(const std::vector<sys_seconds>& ticks, std::size_t at) {
  return at < ticks.size() ? date::format("%F %T", ticks[at]) : "nothing";
}

// How many ticks were compared.
std::uint64_t compare(const place& p) {
  const sys_seconds after = p.transition - days{2}, until = p.transition + days{2};
  const reference expected(*p.zone, after, until);
  std::uint64_t compared = 0;
  for (std::size_t i = 0; i < samples().size(); ++i) {
    const auto made = schedule_rule::make({.cron = samples()[i].cron, .time_zone = p.zone->name()});
    if (!made) {
      ADD_FAILURE() << made.error().message;
      return compared;
    }
    const schedule_rule& rule = made.value();
    std::vector<sys_seconds> forward, backward;
    for (auto t = rule.next(after); t && *t <= until; t = rule.next(*t))
      forward.push_back(date::floor<seconds>(*t));
    for (auto t = rule.last(until); t && *t > after;
         t = rule.last(*t - std::chrono::microseconds{1}))
      backward.push_back(date::floor<seconds>(*t));
    std::ranges::reverse(backward);
    const auto& right = expected.ticks(i);
    const auto where = [&](const std::vector<sys_seconds>& got) {
      const auto at = static_cast<std::size_t>(std::ranges::mismatch(got, right).in1 - got.begin());
      return std::string(samples()[i].cron) + " in " + p.zone->name() + " around " +
             date::format("%F %T", p.transition) + ": " + text_of(got, at) + " in place of " +
             text_of(right, at);
    };
    EXPECT_TRUE(forward == right) << "next: " << where(forward);
    EXPECT_TRUE(backward == right) << "last: " << where(backward);
    EXPECT_EQ(rule.count(after, until), right.size()) << samples()[i].cron << p.zone->name();
    if (!right.empty()) {
      EXPECT_EQ(rule.count(right.front(), right.back()), right.size() - 1);
    }
    compared += right.size();
  }
  return compared;
}

TEST(schedule_rule_property, ticks_around_transitions_are_those_of_a_literal_reading) {
  std::vector<place> all = places();
  ASSERT_GT(all.size(), 10'000u);
  const bool every = std::getenv("CASCADE_TEST_ALL_ZONES") != nullptr;
  if (!every) {
    std::mt19937_64 random(test_seed());
    std::ranges::shuffle(all, random);
    // The odd ones first: days that were jumped over, then jumps that are not an hour.
    const auto jump = [](const place& p) {
      const auto before = p.zone->get_info(p.transition - seconds{1}).offset;
      return std::chrono::abs(p.zone->get_info(p.transition).offset - before);
    };
    const auto usual =
        std::ranges::partition(all, [&](const place& p) { return jump(p) >= hours{20}; }).begin();
    std::partition(usual, all.end(),
                   [&](const place& p) { return jump(p) != hours{1} && jump(p) != seconds{0}; });
    std::vector<place> some(all.begin(), all.begin() + 12);
    some.insert(some.end(), all.end() - 16, all.end());
    all = some;
  }
  std::uint64_t compared = 0;
  for (const place& p : all) {
    compared += compare(p);
    if (HasFailure()) FAIL() << "stopped at " << p.zone->name();
  }
  std::cout << all.size() << " transitions, " << compared << " ticks" << std::endl;
}

}  // namespace
}  // namespace cascade
