// state/instant_text.hpp
//
// Moments as text, ISO 8601: "2026-11-20T03:00:00Z", "2026-11-20 03:00+01:00". Read ones say how far
// they are from UTC, so that no zone is guessed; written ones are UTC.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "state/instant.hpp"

namespace cascade {

inline constexpr std::string_view instant_hint =
    "write 2026-11-20T03:00:00Z, or with an offset: 2026-11-20T03:00:00+01:00";

// Seconds and up to six digits of their fraction may be left out. Four digits of a year.
std::optional<instant> parse_instant(std::string_view text);

// A fraction is written when there is one.
std::string format_instant(instant at);

}  // namespace cascade
