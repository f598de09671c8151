// actors/propagator.hpp
//
// Applies changes of priority (cascade.priority_change): in memory first, then in the rows. When, and
// which of them, is decided by triggers/priority_plan.hpp. docs/adr/0011-priorities.md
//
// In       database_changed; priorities_changed (the inbox, which has the ear at the database);
//          recorded. A poll is the net.
// Out      reprioritize (scheduler), record (recorder).
// Steps    one at a time: read a page; let the inbox catch up, so that the scheduler knows what the
//          changes are about; tell the scheduler; write. While a storm is written, new changes are
//          read between two pieces.
// Rows     a change goes in the commit that applies it. What waits stays: nothing is lost, and after a
//          reconnect everything is read again.
// Cost     reads on a connection of its own. Two statements a thousand changes that are written, one
//          a thousand without effect.
// Errors   a read that fails is tried again with the next connection, or a second later; what the
//          database refuses, after a reconnect. Ends when the scheduler does not answer.
// Console  `priorities`.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

struct propagator_links {
  gateway_actor gateway;
  recorder_actor recorder;
  scheduler_actor scheduler;
  inbox_actor inbox;
};

propagator_actor spawn_propagator(caf::actor_system& system, engine_context_ptr context,
                                  propagator_links links);

}  // namespace cascade
