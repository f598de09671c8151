// actors/catalog.hpp
//
// Workflow definitions by name and version, read once, checked, compiled and shared: a version
// never changes.
//
// In      get_workflow: answered from memory, or after one read however many ask meanwhile. Errors:
//         not_found, database_rejected (the stored definition is not valid), database_unavailable.
// Limits  plans_max versions in memory; the one used longest ago goes first (jobs keep theirs
//         alive).
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

catalog_actor spawn_catalog(caf::actor_system& system, engine_context_ptr context);

}  // namespace cascade
