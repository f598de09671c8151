#include "cli/daemon.hpp"

#include <iostream>

#include "cli/daemon_options.hpp"
#include "service/service.hpp"

namespace cascade {

int daemon_main(int argc, char** argv, handler_registry& handlers) {
  const daemon_options options = parse_daemon_options(argc, argv, std::cout, std::cerr);
  if (options.exit) return *options.exit;
  return run_service(options.config.values, handlers);
}

}  // namespace cascade
