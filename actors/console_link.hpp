// actors/console_link.hpp
//
// Where the console's socket and the console actor meet, and the only place: lines go to the actor
// by anon_send, answers come back by asio::post. Survives restarts of the actor: the latest one
// gets the lines.
#pragma once

#include "actors/console.hpp"
#include "actors/console_server.hpp"

namespace cascade {

// Wires `server` to every console actor spawned from `options`. Call it before the server listens.
void link_console(const std::shared_ptr<console_server>& server, console_options& options);

// The console as a child of a supervisor.
child_spec console_child(console_options options);

}  // namespace cascade
