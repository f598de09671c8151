// A service with handlers of its own: everything cascaded can do, and two functions more.
//
//   build/release/bin/own_handlers --data-dir /tmp/own
//   build/release/bin/cascade --data-dir /tmp/own task push greet --payload '{"name": "Ada"}'
//   --wait

#include <nlohmann/json.hpp>

#include "cli/daemon.hpp"

namespace {

// Runs on a pool of threads and may block. An exception would be a failure that is tried again.
cascade::outcome greet(const cascade::task_run& run) {
  const auto payload = nlohmann::json::parse(run.payload);
  if (!payload.contains("name")) return cascade::outcome::failure("the payload needs a name");
  return cascade::outcome::success(
      nlohmann::json{{"greeting", "Hello, " + payload["name"].get<std::string>()}}.dump());
}

// Returns within microseconds, so it may run inside a worker actor.
cascade::outcome count(const cascade::task_run& run) {
  return cascade::outcome::success(std::to_string(run.payload.size()));
}

}  // namespace

int main(int argc, char** argv) {
  cascade::handler_registry handlers;
  handlers.add("greet", greet);
  handlers.add("count", count, cascade::run_on::worker);
  return cascade::daemon_main(argc, argv, handlers);
}
