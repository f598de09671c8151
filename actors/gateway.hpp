// actors/gateway.hpp
//
// Keeps the node connected and the owner of its lanes: a session that reads and some that write. The
// first writer holds the lanes' advisory locks, so a lost writer is a lost ownership, and Postgres
// itself knows first. The loss of one session is the loss of all.
//
// In        attach_database: the sender gets database_changed, now and at every change.
// Owning    all lanes or none: a second node on the same database waits as a standby until the
//           locks are free.
// Resume    after a lost connection the same epoch goes on when nobody took over in between
//           (cascade.node says so); users keep their memory. If somebody did, the gateway ends with
//           errc::fenced and everything below it starts anew.
// Stop      releases the lanes as cleanly stopped.
// Errors    database away: reconnects with a doubling, jittered backoff for ever; never ends
//           because of it.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

gateway_actor spawn_gateway(caf::actor_system& system, engine_context_ptr context);

}  // namespace cascade
