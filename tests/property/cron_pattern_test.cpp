// Random cron expressions: what is built by rules means what the rules say, and soup never crashes.
// RapidCheck prints the seed; RC_PARAMS="seed=..." runs it again.
#include "triggers/cron_pattern.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "triggers/schedule_rule.hpp"

namespace cascade {
namespace {

using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::seconds;

// A field as text, and the numbers it names.
struct field {
  std::string text;
  std::set<int> numbers;
  bool star = false;
};

field draw_field(int min, int max) {
  field out;
  const int items = *rc::gen::weightedElement<int>({{4, 1}, {1, 2}, {1, 3}});
  for (int i = 0; i < items; ++i) {
    if (i > 0) out.text += ",";
    int from = min, to = max, step = 1;
    const int kind = *rc::gen::inRange(0, 5);
    if (kind == 0) {
      out.text += "*";
      out.star = true;
    } else {
      from = *rc::gen::inRange(min, max + 1);
      out.text += std::to_string(from);
      if (kind == 1) to = from;
      if (kind == 2 || kind == 3) {
        to = *rc::gen::inRange(from, max + 1);
        out.text += "-" + std::to_string(to);
      }
    }
    if (kind == 4 || (kind != 1 && *rc::gen::arbitrary<bool>())) {
      step = *rc::gen::inRange(1, max - min + 1);
      out.text += "/" + std::to_string(step);
    }
    for (int n = from; n <= to; n += step) out.numbers.insert(n);
  }
  return out;
}

RC_GTEST_PROP(cron_pattern_property, what_is_built_by_rules_means_what_they_say, ()) {
  const field second = draw_field(0, 59), minute = draw_field(0, 59), hour = draw_field(0, 23),
              day = draw_field(1, 31), month = draw_field(1, 12), weekday = draw_field(0, 6);
  const std::string text = second.text + " " + minute.text + " " + hour.text + " " + day.text +
                           " " + month.text + " " + weekday.text;
  RC_LOG() << text << std::endl;
  const auto matches = [&](local_seconds t) {
    const local_days date = std::chrono::floor<std::chrono::days>(t);
    const std::chrono::year_month_day d{date};
    const auto in = [](const field& f, auto n) { return f.numbers.contains(static_cast<int>(n)); };
    const bool by_day = in(day, static_cast<unsigned>(d.day()));
    const bool by_weekday = in(weekday, std::chrono::weekday(date).c_encoding());
    const auto s = (t - date).count();
    return in(second, s % 60) && in(minute, s / 60 % 60) && in(hour, s / 3'600) &&
           in(month, static_cast<unsigned>(d.month())) &&
           (day.star || weekday.star ? by_day && by_weekday : by_day || by_weekday);
  };
  const auto made = cron_pattern::parse(text);
  if (!made) {
    RC_ASSERT(made.error().message.find("never comes") != std::string::npos);
    RC_DISCARD("30 February");
  }
  const cron_pattern& pattern = made.value();
  RC_ASSERT(pattern.repeats == (minute.star || hour.star));

  const local_seconds from(seconds(*rc::gen::inRange<std::int64_t>(0, 4'000'000'000)));
  const local_seconds limit = local_days(std::chrono::year(2150) / 1 / 1);
  const auto first = pattern.first_from(from, limit);
  RC_ASSERT(first.has_value());
  RC_ASSERT(matches(*first));
  RC_ASSERT(pattern.last_until(*first, local_seconds{}) == first);
  RC_ASSERT(pattern.count(from - seconds{1}, *first) == 1u);
  for (auto t = from; t < std::min(*first, from + seconds{4'000}); t += seconds{1})
    RC_ASSERT(!matches(t));
  const auto later = *first + seconds{*rc::gen::inRange(0, 4'000)};
  std::uint64_t n = 0;
  for (auto t = from; t <= later; t += seconds{1}) {
    if (t > from + seconds{4'000} && t < *first) t = *first;
    n += matches(t);
  }
  RC_ASSERT(pattern.count(from - seconds{1}, later) == n);
}

std::string soup() {
  const auto piece =
      rc::gen::element<std::string>(" ", " ", ",", "-", "/", "*", "?", "L", "W", "#", "@", "0", "1",
                                    "7", "59", "60", "4294967296", "MON", "sun", "JAN", "daily",
                                    "FRI#2", "L-3", "15W", "5L", "*/5", "\t", "\n", "x");
  std::string out;
  for (const std::string& p : *rc::gen::container<std::vector<std::string>>(piece)) out += p;
  return out;
}

void must_stand(const std::string& text) {
  const auto rule = schedule_rule::make({.cron = text});
  if (rule) {
    const auto tick = rule.value().next(instant{});
    RC_ASSERT(tick && rule.value().last(*tick) == tick);
  } else {
    RC_ASSERT(!rule.error().message.empty() && rule.error().message.size() < 250);
  }
}

RC_GTEST_PROP(cron_pattern_property, token_soup_never_crashes, ()) { must_stand(soup()); }
RC_GTEST_PROP(cron_pattern_property, five_fields_of_soup_never_crash, ()) {
  std::string text;
  for (int i = 0; i < 5; ++i) {
    for (const char c : soup())
      if (c != ' ') text += c;
    text += " ";
  }
  must_stand(text);
}
RC_GTEST_PROP(cron_pattern_property, byte_soup_never_crashes, (const std::string& text)) {
  must_stand(text);
}

}  // namespace
}  // namespace cascade
