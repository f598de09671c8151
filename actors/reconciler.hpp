// actors/reconciler.hpp
//
// Compares the counters of jobs, queues and workflows with the rows, and repairs those that are
// wrong: every reconcile_every, one round over everything, in short steps that are decided in SQL
// (cascade.reconcile_step), in one transaction and at one snapshot, on a connection of its own that
// is open for the length of the round. docs/adr/0010-reconciler.md
//
// In       database_changed: the owner's rounds begin reconcile_every after it became one. A
//          standby does nothing.
// Exact    a round repairs all it has found or nothing; each repair is logged once it is committed.
//          A round that runs elsewhere at the same time (cascade reconcile) makes one of them fail.
// Errors   a step that fails ends the round; the next one comes after retry_after. Never ends
//          because of the database.
// Cost     reads what is unfinished and what ended since yesterday, and what was remembered of
//          earlier days; those are counted anew once a day, and whenever something differs.
// Limits   a step reads reconcile_slice_bytes and has the deadline of all calls to the database;
//          the pause after a round is at least ten times as long as the round.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

reconciler_actor spawn_reconciler(caf::actor_system& system, engine_context_ptr context,
                                  gateway_actor gateway);

}  // namespace cascade
