// state/json_check.hpp
//
// Decides whether bytes from outside (a command's stdout, a handler's result) may be stored as
// jsonb. Postgres refuses what JSON allows: NUL characters, bad UTF-8, numbers out of range, deep
// nesting. Found here, it fails one attempt; found there, it would fail a whole batch.
//
// Cost    one pass, no document is built.
// Limits  limits::json_depth_max and the caller's bytes_max.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace cascade {

// Returns why `text` cannot be stored, or nothing when it can.
std::optional<std::string> json_storage_problem(std::string_view text, std::size_t bytes_max);

// Makes any bytes storable as text: bad UTF-8 and NUL become U+FFFD, the rest is cut at bytes_max
// on a character border.
std::string storable_text(std::string_view bytes, std::size_t bytes_max);

// The beginning of a value, for a message about it.
std::string json_excerpt(const nlohmann::json& value);

}  // namespace cascade
