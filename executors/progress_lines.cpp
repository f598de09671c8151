#include "executors/progress_lines.hpp"

namespace cascade {
namespace {

constexpr std::string_view space = " \t\r";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) + 1 - first);
}

std::size_t digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) -
                                  text.begin());
}

}  // namespace

progress_line parse_progress_line(std::string_view line) noexcept {
  line = trimmed(line);
  int percent = -1;
  if (line.starts_with('-')) {
    line.remove_prefix(1);
  } else {
    const std::size_t whole = digits(line);
    if (whole == 0) return {};
    percent = 0;
    for (const char c : line.substr(0, whole)) percent = std::min(100, percent * 10 + (c - '0'));
    line.remove_prefix(whole);
    if (line.size() > 1 && line[0] == '.' && is_digit(line[1]))
      line.remove_prefix(1 + digits(line.substr(1)));
    if (line.starts_with('%')) line.remove_prefix(1);
  }
  if (!line.empty() && space.find(line[0]) == std::string_view::npos) return {};
  return {percent, trimmed(line)};
}

}  // namespace cascade
