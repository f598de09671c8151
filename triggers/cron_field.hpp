// triggers/cron_field.hpp
//
// The fields of a cron expression, one at a time. Used by cron_pattern::parse alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/cron_pattern.hpp"

namespace cascade {

enum class cron_field : std::uint8_t { second, minute, hour, day, month, weekday };
inline constexpr std::size_t cron_field_count = 6;

// `text` is in capitals; `number` is what a problem calls the field.
std::optional<schedule_problem> parse_cron_field(cron_field field, std::size_t number,
                                                 std::string_view text, cron_pattern& out);

// In quotes, cut when long.
std::string cron_quoted(std::string_view text);
std::vector<std::string_view> cron_split(std::string_view text, std::string_view separators,
                                         bool keep_empty);

}  // namespace cascade
