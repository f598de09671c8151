// cli/text.hpp
//
// Text as a terminal shows it. Everything that comes from the database or a file passes through
// `printable` before it reaches a terminal: an error text must not move the cursor.
#pragma once

#include <string>
#include <string_view>

namespace cascade {

// Control characters (line ends as well) become a space or U+FFFD; bad UTF-8 becomes U+FFFD.
std::string printable(std::string_view text);

// The same, but line ends and tabs stay.
std::string printable_lines(std::string_view text);

// Columns taken by valid UTF-8: combining marks take none, East Asian wide characters and emoji
// two.
int display_width(std::string_view text);

// At most `width` columns; a cut is marked with an ellipsis.
std::string fitted(std::string_view text, int width);

// "2026-11-20T22:07:02.123+00:00" -> "2026-11-20 22:07:02"; anything else stays as it is.
std::string short_time(std::string_view iso);

// 61.5 -> "1m 1s", 0.0123 -> "12ms".
std::string short_duration(double seconds);

}  // namespace cascade
