#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "state/json_check.hpp"

namespace cascade {
namespace {

struct range {
  std::uint32_t first, last;
};
// Combining marks and format characters of the scripts that are common in names; Unicode 15.
constexpr std::array no_columns{
    range{0x0300, 0x036F}, range{0x0483, 0x0489}, range{0x0591, 0x05BD},  range{0x0610, 0x061A},
    range{0x064B, 0x065F}, range{0x0900, 0x0902}, range{0x093C, 0x093C},  range{0x0E34, 0x0E3A},
    range{0x0E47, 0x0E4E}, range{0x1AB0, 0x1AFF}, range{0x1DC0, 0x1DFF},  range{0x200B, 0x200F},
    range{0x202A, 0x202E}, range{0x2060, 0x2064}, range{0x20D0, 0x20FF},  range{0xFE00, 0xFE0F},
    range{0xFE20, 0xFE2F}, range{0xFEFF, 0xFEFF}, range{0xE0100, 0xE01EF}};
constexpr std::array two_columns{
    range{0x1100, 0x115F},   range{0x2E80, 0x303E},  range{0x3041, 0x33FF}, range{0x3400, 0x4DBF},
    range{0x4E00, 0x9FFF},   range{0xA000, 0xA4CF},  range{0xAC00, 0xD7A3}, range{0xF900, 0xFAFF},
    range{0xFE30, 0xFE6F},   range{0xFF00, 0xFF60},  range{0xFFE0, 0xFFE6}, range{0x1F300, 0x1F64F},
    range{0x1F900, 0x1F9FF}, range{0x20000, 0x3FFFD}};

bool in(std::uint32_t c, const auto& ranges) {
  return std::ranges::any_of(ranges, [c](range r) { return c >= r.first && c <= r.last; });
}

// Takes one character of valid UTF-8 off the front; its code point and its bytes.
std::pair<std::uint32_t, std::string_view> take(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  size = std::min(size, text.size());
  std::uint32_t c = size == 1 ? lead : lead & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i)
    c = (c << 6) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  const std::string_view bytes = text.substr(0, size);
  text.remove_prefix(size);
  return {c, bytes};
}

int width_of(std::uint32_t c) { return in(c, no_columns) ? 0 : in(c, two_columns) ? 2 : 1; }

std::string cleaned(std::string_view text, bool lines) {
  const std::string valid = storable_text(text, text.size() * 3 + 3);
  std::string out;
  for (std::string_view left = valid; !left.empty();) {
    const auto [c, bytes] = take(left);
    const bool space = c == '\n' || c == '\t' || c == '\r';
    const bool override = c >= 0x202A && c <= 0x202E;  // would turn the rest of the line around
    if (space && (!lines || c == '\r'))
      out += lines ? "" : " ";
    else if (!space && (c < 0x20 || (c >= 0x7F && c < 0xA0) || override))
      out += "\xEF\xBF\xBD";
    else
      out += bytes;
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) { return cleaned(text, false); }
std::string printable_lines(std::string_view text) { return cleaned(text, true); }

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) width += width_of(take(text).first);
  return width;
}

std::string fitted(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  std::string out;
  int used = 0;
  while (!text.empty()) {
    const auto [c, bytes] = take(text);
    if (used + width_of(c) > width - 1) break;
    used += width_of(c);
    out += bytes;
  }
  return width <= 0 ? std::string() : out + "\xE2\x80\xA6";
}

std::string short_time(std::string_view iso) {
  if (iso.size() < 19 || iso[4] != '-' || iso[10] != 'T' || iso[13] != ':') return printable(iso);
  std::string out(iso.substr(0, 19));
  out[10] = ' ';
  return out;
}

std::string short_duration(double seconds) {
  char buffer[64];
  const auto whole = static_cast<long long>(std::max(seconds, 0.0));
  if (seconds < 0.001) return "0ms";
  if (seconds < 1)
    std::snprintf(buffer, sizeof buffer, "%.0fms", seconds * 1000);
  else if (seconds < 60)
    std::snprintf(buffer, sizeof buffer, "%.1fs", seconds);
  else if (whole < 3600)
    std::snprintf(buffer, sizeof buffer, "%lldm %llds", whole / 60, whole % 60);
  else if (whole < 86400)
    std::snprintf(buffer, sizeof buffer, "%lldh %lldm", whole / 3600, whole / 60 % 60);
  else
    std::snprintf(buffer, sizeof buffer, "%lldd %lldh", whole / 86400, whole / 3600 % 24);
  return buffer;
}

}  // namespace cascade
