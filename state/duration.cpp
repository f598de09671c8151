#include "state/duration.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace cascade {
namespace {

using std::chrono::milliseconds;

struct unit {
  std::string_view name;
  std::int64_t ms;
};
// Largest first: parts must come in falling order.
constexpr std::array units{unit{"d", 86'400'000}, unit{"h", 3'600'000}, unit{"m", 60'000},
                           unit{"s", 1'000}, unit{"ms", 1}};

std::optional<milliseconds> in_range(double ms) {
  if (!(ms >= 0) || ms > static_cast<double>(duration_max.count())) return std::nullopt;
  // Binary fractions of decimal ones: 1.1 s must not become 1101 ms.
  return milliseconds{static_cast<std::int64_t>(std::ceil(ms - 1e-6))};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits with at most one point inside; from_chars alone would also take "inf", "1e9" and "-1".
std::string_view take_number(std::string_view& text) {
  std::size_t n = 0;
  bool point = false;
  while (n < text.size() && (is_digit(text[n]) || (text[n] == '.' && !point && n > 0)))
    point |= text[n++] == '.';
  const std::string_view number = text.substr(0, n);
  text.remove_prefix(n);
  return number;
}

std::string_view take_unit(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && text[n] >= 'a' && text[n] <= 'z') ++n;
  const std::string_view name = text.substr(0, n);
  text.remove_prefix(n);
  return name;
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  double total = 0;
  std::size_t rank = 0;  // units before it may not come any more
  bool first = true;
  while (!text.empty()) {
    const std::string_view number = take_number(text);
    if (number.empty() || number.back() == '.') return std::nullopt;
    const std::string_view name = take_unit(text);
    const bool bare = name.empty();
    if (bare && !(first && text.empty())) return std::nullopt;
    double value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    std::size_t at = rank;
    while (at < units.size() && units[at].name != (bare ? "s" : name)) ++at;
    if (at == units.size()) return std::nullopt;
    if (number.find('.') != number.npos && !text.empty()) return std::nullopt;
    total += value * static_cast<double>(units[at].ms);
    rank = at + 1;
    first = false;
  }
  return in_range(total);
}

std::optional<milliseconds> parse_duration(const nlohmann::json& value) {
  if (value.is_string())
    return parse_duration(std::string_view(value.get_ref<const std::string&>()));
  if (value.is_number()) return in_range(value.get<double>() * 1000.0);
  return std::nullopt;
}

std::string format_duration(milliseconds value) {
  std::int64_t left = value.count();
  if (left <= 0) return "0s";
  std::string out;
  for (const unit& u : units) {
    if (left < u.ms) continue;
    out += std::to_string(left / u.ms);
    out += u.name;
    left %= u.ms;
  }
  return out;
}

}  // namespace cascade
