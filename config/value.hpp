// config/value.hpp
//
// From the text of one setting to its checked value and back. Durations and sizes carry their unit
// ("20ms", "16MiB"), so that nobody has to know which one a key counts in; a bare duration is in
// seconds (state/duration.hpp).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cascade {

struct key_spec;

// What a source says about one key, before anybody looked at its type.
struct raw_value {
  enum class kind : std::uint8_t { null, scalar, list, map };
  kind is = kind::null;
  std::string text;                // of a scalar
  std::vector<std::string> items;  // of a list of scalars
  nlohmann::json json;             // the whole of it

  static raw_value scalar(std::string text);
};

// A checked value; the field that belongs to the kind of its key is set, and `shown` always.
struct key_value {
  std::int64_t number = 0;  // integer, duration (ms), bytes, index of a choice
  double real = 0;
  std::string text{};
  std::vector<std::string> list{};
  std::string shown{};  // as it is written in a file, secrets taken out
};

struct parsed_value {
  std::optional<key_value> value;
  std::string problem;  // when there is no value: a sentence fragment that follows "KEY: "
};

// Requires: nothing of `raw`. Ensures: exactly one of value and problem is set.
parsed_value parse_value(const key_spec& spec, const raw_value& raw);

// "16MiB" -> 16777216. Units B, KiB, MiB, GiB; a plain number counts bytes.
std::optional<std::int64_t> parse_bytes(std::string_view text);
std::string format_bytes(std::int64_t value);

std::string format_range(
    const key_spec& spec);  // "1ms to 1m", "text or json"; empty when anything goes

}  // namespace cascade
