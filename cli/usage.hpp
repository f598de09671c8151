// cli/usage.hpp
//
// What is wrong with a command line, where CLI11 misreads it or says too little.
#pragma once

#include <optional>
#include <string>

#include "cli/failure.hpp"

namespace CLI {
class App;
}

namespace cascade {

// An option whose value is missing or empty. CLI11 takes the next word for it, another option as
// well: `--key= --wait` would be the key "--wait". Looks no further than "--".
std::optional<cli_failure> value_missing(CLI::App& app, int argc, const char* const* argv);

// A better text for what CLI11 found, `message`.
cli_failure usage_failure(const CLI::App& app, const std::string& message, int argc,
                          const char* const* argv);

}  // namespace cascade
