// cli/daemon.hpp
//
// The main function of cascaded, for users' own programs as well:
//
//   int main(int argc, char** argv) {
//     cascade::handler_registry handlers;
//     handlers.add("resize", resize);
//     return cascade::daemon_main(argc, argv, handlers);
//   }
//
// Returns the exit code: as service/service.hpp says, and 2 for mistakes of the command line or the
// configuration.
#pragma once

#include "executors/registry.hpp"

namespace cascade {

int daemon_main(int argc, char** argv, handler_registry& handlers);

}  // namespace cascade
