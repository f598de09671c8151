// actors/console.hpp
//
// Answers people (and scripts) who look into a running node: the tree of actors, one actor, a kill
// for the brave, and whatever providers add (jobs, queues, inbox).
//
// In        console_line (a request line from a socket), console_query (the same from an actor),
//           describe.
// Out       describe and find_child to the root supervisor, console_query to providers; answers
//           through `reply`.
// Line      {"command": "show 12", "json": true} -> {"ok": true, "text": "...", "data": {...}};
//           data only if asked for.
// Limits    questions to others time out after console_timeout; the server bounds lines and
//           connections.
// Restart   forgets nothing that matters: requests on their way time out in the server.
// Tests     tests/actors/console_test.cpp
#pragma once

#include <functional>
#include <map>

#include "actors/supervisor.hpp"

namespace cascade {

inline constexpr caf::timespan console_timeout = std::chrono::seconds(2);

struct console_options {
  supervisor_actor root;
  std::map<std::string, console_provider> providers;  // by the first word of their command
  std::map<std::string, std::string> help;            // one line for each provider; optional
  // Takes the answer line (without newline) of a request. Called on CAF's threads.
  std::function<void(std::uint64_t request, std::string line)> reply;
  // Called on CAF's threads with the new actor, to which lines go from now on, and with its id when
  // it has ended.
  std::function<void(console_actor)> attach;
  std::function<void(caf::actor_id)> detach;
};

console_actor spawn_console(caf::actor_system& system, console_options options);

}  // namespace cascade
