// actors/cache.hpp
//
// What the node keeps of rows that are asked for: workflow definitions, states of tasks, jobs. Postgres
// first, then memory: an entry changes when its change is committed. docs/adr/0012-cache.md
//
// In       get_workflow, get_task, get_job: answered from memory, or after one read however many ask
//          meanwhile. Errors: not_found, database_rejected (the stored definition is not valid),
//          database_unavailable, limit_exceeded. batch_committed, rows_changed. console_query
//          (task ID, job ID, cache).
// Exact    an answer about a task or a job is never older than what any actor of this node was told
//          is committed before it asked. Without a connection, or before the load of an epoch has
//          charged the attempts of a lost node, nothing is kept. Rows that somebody changes by hand:
//          engine.cache_ttl.
// Limits   engine.cache_rows_max and cache_bytes_max for tasks and for jobs each; plans_max definitions,
//          which never change; askers_max who wait. The one used longest ago goes first.
// Tests    tests/db/cache_dbtest.cpp, cache_rows_dbtest.cpp
#pragma once

#include "actors/cached_rows.hpp"
#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

struct get_task {
  task_id id;
};
struct task_found {
  task_info info;
  bool from_memory = false;
};
struct get_job {
  job_id id;
};
struct job_found {
  job_info info;
  bool from_memory = false;
};

}  // namespace cascade

// Local only: moved between the actors of one node, never serialized.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::get_task)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::task_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::get_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_found)

namespace cascade {

using cache_actor = console_provider::extend<  //
    caf::reacts_to<database_changed>, caf::reacts_to<batch_committed>, caf::reacts_to<rows_changed>,
    caf::replies_to<get_workflow>::with<workflow_found>,
    caf::replies_to<get_task>::with<task_found>, caf::replies_to<get_job>::with<job_found>,
    caf::replies_to<describe>::with<description>>;

cache_actor spawn_cache(caf::actor_system& system, engine_context_ptr context,
                        gateway_actor gateway);

}  // namespace cascade
