// state/duration.hpp
//
// Durations as people write them: "10s", "5m", "1h30m", "250ms", "2d", "1.5h", "90" or, in JSON and
// YAML, a number of seconds. Never negative, never above duration_max.
//
// Units   ms, s, m, h, d. Fractions are allowed in the last part only; less than a millisecond is
//         rounded up.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace cascade {

inline constexpr std::chrono::milliseconds duration_max = std::chrono::hours{24 * 3650};
inline constexpr std::string_view duration_hint =
    "write 250ms, 10s, 5m, 1h30m, 2d or a number of seconds; at most 3650d";

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::optional<std::chrono::milliseconds> parse_duration(const nlohmann::json& value);

// The shortest form that parse_duration reads back to the same value.
std::string format_duration(std::chrono::milliseconds value);

}  // namespace cascade
