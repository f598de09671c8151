// config/reference.hpp
//
// The table of keys as text for people.
#pragma once

#include <string>

#include "config/load.hpp"

namespace cascade {

// docs/configuration.md, all of it; a test compares. `cascade config reference` prints it.
std::string configuration_markdown();

// The keys with defaults and ranges, for --help.
std::string configuration_help();

// "key: value  # origin", aligned, a valid file but for what is left out of it (secrets, commands).
std::string configuration_dump(const loaded_config& config);

}  // namespace cascade
