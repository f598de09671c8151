// actors/retention.hpp
//
// Makes the partitions of the days to come, and drops those that are older than what is to be kept.
// What to do next is decided in SQL (cascade.retention_step): one short step at a time, on a
// connection of its own that is open for the length of a round.
//
// In       database_changed: a round begins when the node becomes the owner, and every
//          retention_every from then on. A standby does nothing.
// Out      rows_changed after a step that may have taken rows away.
// Errors   a step that fails (a reader of the history holds a lock, an old transaction) ends the
//          round; the next one comes after retry_after. Never ends because of the database.
// Limits   steps_max a round; each has the deadline of all calls to the database.
// Cost     one round trip an hour when there is nothing to do.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/row_watcher.hpp"

namespace cascade {

retention_actor spawn_retention(caf::actor_system& system, engine_context_ptr context,
                                gateway_actor gateway, row_watcher watcher = {});

}  // namespace cascade
