// config/keys.hpp
//
// The one table of configuration keys. Parsing, checks, `cascaded --help`, docs/configuration.md,
// the names of the environment variables and `cascade config show` all come from it: a new key is
// one line in keys.cpp and one field in settings.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "config/value.hpp"

namespace cascade {

enum class key_kind : std::uint8_t {
  text,
  path,
  conninfo,
  integer,
  real,
  duration,
  bytes,
  choice,
  texts,
  paths,
  commands
};
std::string_view to_string(key_kind kind);

struct key_spec {
  std::string_view name;  // dotted
  key_kind kind;
  std::array<std::string_view, 3> defaults;  // in the order of profile_kind, as written in a file
  double min, max;  // of numbers; of texts the length in bytes; of lists the size
  std::span<const std::string_view> choices;
  std::string_view default_note;  // how the default is found when it is not a constant
  std::string_view doc;
  void (*assign)(settings&, const key_value&);
};

std::span<const key_spec> all_keys();
const key_spec* find_key(std::string_view dotted);

std::string environment_name(
    const key_spec& key);  // engine.fold_every -> CASCADE_ENGINE_FOLD_EVERY

}  // namespace cascade
