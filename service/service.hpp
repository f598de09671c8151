// service/service.hpp
//
// Runs a node until it is told to stop: the composition root behind cascaded, and behind a user's
// own program that brings its own handlers.
//
// Signals   SIGTERM and SIGINT: stop taking work, let what runs end within engine.shutdown_within,
//           then leave; a second one leaves at once. SIGHUP is ignored.
// Files     DIR/cascade.lock, DIR/service.json (for the CLI), DIR/postgres*, DIR/run when Postgres
//           is embedded.
// Returns   the exit code: 0 stopped as asked, 1 cannot run (another service holds the directory,
//           the schema is newer, Postgres cannot be started) or the actors gave up, 2 a handler of
//           the configuration is wrong, 3 the given database was not reachable.
#pragma once

#include "config/settings.hpp"
#include "executors/registry.hpp"

namespace cascade {

// Adds the built-in handlers, the commands and plugins of the configuration to what the caller
// registered.
int run_service(const settings& s, handler_registry& handlers);

}  // namespace cascade
