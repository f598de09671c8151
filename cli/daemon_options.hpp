// cli/daemon_options.hpp
//
// The command line of `cascaded`: flags become the strongest source of the configuration. The
// daemon's main does:
//
//   const daemon_options options = parse_daemon_options(argc, argv, std::cout, std::cerr);
//   if (options.exit) return *options.exit;
//   run(options.config.values);
#pragma once

#include <iosfwd>
#include <optional>

#include "config/load.hpp"

namespace cascade {

struct daemon_options {
  std::optional<int> exit;  // set: say nothing more and leave with it (help, version, mistakes)
  loaded_config config;     // without problems when exit is empty
};

// Prints help and version to `out`; mistakes of the command line and of every source to `err`, all
// at once, and leaves with exit code 2.
daemon_options parse_daemon_options(int argc, const char* const* argv, std::ostream& out,
                                    std::ostream& err);

// The same with the sources of a test instead of those of the process.
daemon_options parse_daemon_options(int argc, const char* const* argv, std::ostream& out,
                                    std::ostream& err, config_sources sources);

}  // namespace cascade
