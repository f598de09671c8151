#include "triggers/cron_field.hpp"

#include <algorithm>
#include <span>

#include "state/suggest.hpp"

namespace cascade {
namespace {

using namespace std::string_view_literals;

constexpr std::array month_names{"JAN"sv, "FEB"sv, "MAR"sv, "APR"sv, "MAY"sv, "JUN"sv,
                                 "JUL"sv, "AUG"sv, "SEP"sv, "OCT"sv, "NOV"sv, "DEC"sv};
constexpr std::array weekday_names{"SUN"sv, "MON"sv, "TUE"sv, "WED"sv, "THU"sv, "FRI"sv, "SAT"sv};

struct field_rule {
  cron_field kind;
  std::string_view name;
  unsigned min, max;
  unsigned end;  // where `5/10` stops
  std::span<const std::string_view> names;
  unsigned name_base = 0;  // the number of the first name
};
const std::array<field_rule, cron_field_count> field_rules{
    field_rule{cron_field::second, "second", 0, 59, 59, {}},
    field_rule{cron_field::minute, "minute", 0, 59, 59, {}},
    field_rule{cron_field::hour, "hour", 0, 23, 23, {}},
    field_rule{cron_field::day, "day of month", 1, 31, 31, {}},
    field_rule{cron_field::month, "month", 1, 12, 12, month_names, 1},
    field_rule{cron_field::weekday, "day of week", 0, 7, 6, weekday_names},
};

// One field; the text is in capitals.
class field_parser {
public:
  field_parser(const field_rule& rule, std::size_t number, cron_pattern& out)
      : rule_(rule), number_(number), out_(out) {}

  std::optional<schedule_problem> parse(std::string_view text) {
    for (const std::string_view item : cron_split(text, ",", true))
      if (!parse_item(item)) return std::move(problem_);
    store();
    return std::nullopt;
  }

private:
  bool fail(std::string message, std::string hint = {}) {
    problem_ = {"cron: field " + std::to_string(number_) + " (" + std::string(rule_.name) +
                    "): " + std::move(message),
                std::move(hint)};
    return false;
  }
  bool fail_range(std::string_view what, std::string_view value, unsigned min, unsigned max,
                  std::string hint = {}) {
    return fail(std::string(what) + std::string(value.substr(0, 20)) + " is not between " +
                    std::to_string(min) + " and " + std::to_string(max),
                std::move(hint));
  }

  static bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  }
  // A number, cut at a million: no field allows that many.
  static unsigned number_of(std::string_view digits) {
    unsigned n = 0;
    for (const char c : digits) n = std::min(n * 10 + static_cast<unsigned>(c - '0'), 1'000'000u);
    return n;
  }
  bool number(std::string_view what, std::string_view text, unsigned min, unsigned max,
              unsigned& out) {
    if (!is_number(text)) return fail(cron_quoted(text) + " is not a number" + allowed());
    out = number_of(text);
    return (out >= min && out <= max) || fail_range(what, text, min, max);
  }
  std::string allowed() const {
    std::string out =
        "; allowed are " + std::to_string(rule_.min) + "-" + std::to_string(rule_.max);
    if (!rule_.names.empty())
      out += " and " + std::string(rule_.names.front()) + "-" + std::string(rule_.names.back());
    return out;
  }

  // A number or a name.
  bool value(std::string_view text, unsigned& out) {
    if (is_number(text)) return number("", text, rule_.min, rule_.max, out);
    for (std::size_t i = 0; i < rule_.names.size(); ++i)
      if (rule_.names[i] == text) {
        out = rule_.name_base + static_cast<unsigned>(i);
        return true;
      }
    std::string hint;
    if (!rule_.names.empty() && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == text.npos) {
      hint = suggestion(text.substr(0, 3), rule_.names);  // MONDAY
    } else if (text.find_first_of("LW#?") != text.npos && !is_day_field()) {
      hint = "L, W, # and ? belong in the day fields";
    }
    return fail(cron_quoted(text) + " is not a " +
                    (rule_.names.empty() ? "number" : "number or name") + allowed(),
                std::move(hint));
  }
  bool is_day_field() const {
    return rule_.kind == cron_field::day || rule_.kind == cron_field::weekday;
  }

  bool parse_item(std::string_view item) {
    if (item.empty()) return fail("an item of the list is empty", "commas stand between values");
    const auto slash = item.find('/');
    const std::string_view base = item.substr(0, slash);
    if (slash == item.npos && rule_.kind == cron_field::day && day_word(base)) return !problem_;
    if (slash == item.npos && rule_.kind == cron_field::weekday && weekday_word(base))
      return !problem_;

    unsigned step = 1;
    if (slash != item.npos && !parse_step(item.substr(slash + 1), step)) return false;
    if (base == "*" || (base == "?" && slash == item.npos && is_day_field())) {
      star_ = true;
      add(rule_.min, rule_.end, step);
      return true;
    }
    unsigned from = 0;
    const auto dash = base.find('-');
    if (!value(base.substr(0, dash), from)) return false;
    if (dash == base.npos) {
      add(from, slash == item.npos ? from : std::max(from, rule_.end), step);
      return true;
    }
    unsigned to = 0;
    return value(base.substr(dash + 1), to) && parse_range(base, from, to, step);
  }

  bool parse_step(std::string_view text, unsigned& step) {
    const unsigned most = rule_.end - rule_.min;
    if (!is_number(text)) return fail("step " + cron_quoted(text) + " is not a number");
    step = number_of(text);
    if (step >= 1 && step <= most) return true;
    return fail_range("step ", text, 1, most,
                      step == 0 ? "" : "for longer intervals use `every` in place of cron");
  }

  bool parse_range(std::string_view text, unsigned from, unsigned to, unsigned step) {
    if (from <= to) {
      add(from, to, step);
      return true;
    }
    if (rule_.kind == cron_field::weekday) {  // FRI-MON goes over the end of the week
      add(from % 7, from % 7 <= to ? to : to + 7, step);
      return true;
    }
    const auto part = [](unsigned a, unsigned b) {
      return a == b ? std::to_string(a) : std::to_string(a) + "-" + std::to_string(b);
    };
    return fail("the range " + cron_quoted(text) + " goes backwards",
                step == 1 ? "write " + part(from, rule_.max) + "," + part(rule_.min, to) : "");
  }

  void add(unsigned from, unsigned to, unsigned step) {
    for (unsigned n = from; n <= to; n += step)
      set_ |= 1ull << (rule_.kind == cron_field::weekday ? n % 7 : n);
  }

  // L, L-3, LW, 15W: whether the item is one of these; a problem may be noted.
  bool day_word(std::string_view item) {
    if (item == "L") {
      out_.days_before_last |= 1;
    } else if (item == "LW" || item == "WL") {
      out_.last_weekday = true;
    } else if (item.starts_with("L-")) {
      unsigned n = 0;
      if (number("days before the last: ", item.substr(2), 1, 30, n))
        out_.days_before_last |= 1u << n;
    } else if (item.ends_with("W")) {
      unsigned n = 0;
      const std::string_view day = item.substr(0, item.size() - 1);
      if (!is_number(day))
        fail(cron_quoted(item) + ": W takes one day", "write 15W, or LW for the last weekday");
      else if (number("", day, 1, 31, n))
        out_.nearest_weekday |= 1u << n;
    } else {
      return false;
    }
    return true;
  }

  // 5#2, FRI#2, 5L, FRIL: likewise.
  bool weekday_word(std::string_view item) {
    unsigned on = 0, n = 0;
    if (const auto hash = item.find('#'); hash != item.npos) {
      if (value(item.substr(0, hash), on) && number("week ", item.substr(hash + 1), 1, 5, n))
        out_.nth_of_weekday[on % 7] |= static_cast<std::uint8_t>(1u << n);
    } else if (item == "L") {
      fail("L alone names no day of the week", "write FRIL for the last Friday of the month");
    } else if (item.ends_with("L")) {
      if (value(item.substr(0, item.size() - 1), on))
        out_.last_of_weekday |= static_cast<std::uint8_t>(1u << on % 7);
    } else {
      return false;
    }
    return true;
  }

  void store() {
    switch (rule_.kind) {
      case cron_field::second:
        out_.seconds = set_;
        break;
      case cron_field::minute:
        out_.minutes = set_;
        out_.repeats |= star_;
        break;
      case cron_field::hour:
        out_.hours = static_cast<std::uint32_t>(set_);
        out_.repeats |= star_;
        break;
      case cron_field::day:
        out_.days = static_cast<std::uint32_t>(set_);
        out_.any_day = star_;
        break;
      case cron_field::month:
        out_.months = static_cast<std::uint16_t>(set_);
        break;
      case cron_field::weekday:
        out_.weekdays = static_cast<std::uint8_t>(set_);
        out_.any_weekday = star_;
        break;
    }
  }

  const field_rule& rule_;
  std::size_t number_;
  cron_pattern& out_;
  std::uint64_t set_ = 0;
  bool star_ = false;
  std::optional<schedule_problem> problem_;
};

}  // namespace

std::optional<schedule_problem> parse_cron_field(cron_field field, std::size_t number,
                                                 std::string_view text, cron_pattern& out) {
  return field_parser(field_rules[static_cast<std::size_t>(field)], number, out).parse(text);
}

std::string cron_quoted(std::string_view text) {
  return "\"" + std::string(text.substr(0, 40)) + (text.size() > 40 ? "...\"" : "\"");
}

std::vector<std::string_view> cron_split(std::string_view text, std::string_view separators,
                                         bool keep_empty) {
  std::vector<std::string_view> out;
  while (true) {
    const auto end = std::min(text.find_first_of(separators), text.size());
    if (end != 0 || keep_empty) out.push_back(text.substr(0, end));
    if (end == text.size()) return out;
    text.remove_prefix(end + 1);
  }
}

}  // namespace cascade
