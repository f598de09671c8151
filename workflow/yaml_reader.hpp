// workflow/yaml_reader.hpp
//
// YAML 1.2 (core schema) or JSON text to JSON, with the place of every key and value.
//
// Limits   text_bytes_max of text, depth_max levels, nodes_max values with aliases expanded, so
//          that aliases of aliases cannot blow it up.
// Refused  a second document, doubled keys, keys that are not plain values, unknown tags, NUL
//          characters, bad UTF-8. Merge keys (<<) are ordinary keys here.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "state/expected.hpp"
#include "state/limits.hpp"
#include "workflow/source_text.hpp"

namespace cascade::yaml {

inline constexpr std::size_t depth_max = 64;
inline constexpr std::size_t nodes_max = 1'000'000;

struct problem {
  std::size_t byte = 0;
  std::string message;
  bool ends_reading = true;
};

struct document {
  nlohmann::json value;
  source_map where;
};

// A text whose first character is { or [ is read as JSON if it is that, with all of JSON's escapes.
expected<document, std::vector<problem>> read(
    const source_text& source, std::size_t text_bytes_max = limits::definition_bytes_max);

}  // namespace cascade::yaml
