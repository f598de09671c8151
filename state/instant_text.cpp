#include "state/instant_text.hpp"

#include <array>
#include <cstdio>

namespace cascade {
namespace {

// Takes what it understands off the front.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) {}

  bool done() const noexcept { return rest_.empty(); }
  bool skip(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_[0]) == any_of.npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Exactly `digits` of them, and no more than `most` as a number.
  bool number(int digits, int most, int& out) {
    out = 0;
    for (int i = 0; i < digits; ++i) {
      if (rest_.empty() || rest_[0] < '0' || rest_[0] > '9') return false;
      out = out * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return out <= most;
  }
  bool fraction(int& micros) {
    int digits = 0;
    for (micros = 0; digits < 6 && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; ++digits) {
      micros = micros * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    for (int i = digits; i < 6; ++i) micros *= 10;
    return digits > 0;
  }
  bool sign(int& out) {
    out = rest_.starts_with('-') ? -1 : 1;
    return skip("+-");
  }

private:
  std::string_view rest_;
};

}  // namespace

std::optional<instant> parse_instant(std::string_view text) {
  using namespace std::chrono;
  scanner in(text);
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, micros = 0, sign = 1, oh = 0, om = 0;
  if (!in.number(4, 9999, y) || !in.skip("-") || !in.number(2, 12, mo) || !in.skip("-") ||
      !in.number(2, 31, d) || !in.skip("Tt ") || !in.number(2, 23, h) || !in.skip(":") ||
      !in.number(2, 59, mi))
    return std::nullopt;
  if (in.skip(":") && (!in.number(2, 59, s) || (in.skip(".") && !in.fraction(micros))))
    return std::nullopt;
  in.skip(" ");
  if (!in.skip("Zz")) {
    if (!in.sign(sign) || !in.number(2, 15, oh)) return std::nullopt;
    if (!in.done()) {
      in.skip(":");
      if (!in.number(2, 59, om)) return std::nullopt;
    }
  }
  const year_month_day day{year{y}, month{static_cast<unsigned>(mo)},
                           std::chrono::day{static_cast<unsigned>(d)}};
  if (!in.done() || !day.ok()) return std::nullopt;
  return sys_days(day) + hours(h) + minutes(mi) + seconds(s) + microseconds(micros) -
         sign * (hours(oh) + minutes(om));
}

std::string format_instant(instant at) {
  using namespace std::chrono;
  const auto days = floor<std::chrono::days>(at);
  const year_month_day day(days);
  const hh_mm_ss time(at - days);
  std::array<char, 64> out{};
  int n = std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                        static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                        static_cast<unsigned>(day.day()), static_cast<int>(time.hours().count()),
                        static_cast<int>(time.minutes().count()),
                        static_cast<int>(time.seconds().count()));
  std::string text(out.data(), static_cast<std::size_t>(n));
  if (time.subseconds().count() != 0) {
    n = std::snprintf(out.data(), out.size(), ".%06d", static_cast<int>(time.subseconds().count()));
    text.append(out.data(), static_cast<std::size_t>(n));
  }
  return text + "Z";
}

}  // namespace cascade
