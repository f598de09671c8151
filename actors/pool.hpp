// actors/pool.hpp
//
// The workers of a node: hands each task to a free worker, lists of quick tasks to the quick
// worker. It lives on while the scheduler is restarted, so what runs goes on; its outcomes wait for
// the next scheduler.
//
// In       attach_pool: the sender becomes the scheduler and learns what runs. run_tasks: at most
//          as many as slots are free; one more is a broken invariant. cancel_run.
// Workers  started when first needed, as permanent children of `workers`; a killed one comes back,
//          its task is reported as failed and retryable. When the quick worker is killed, the
//          scheduler gets quick_lost.
// Limits   `workers` slots.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

pool_actor spawn_pool(caf::actor_system& system, engine_context_ptr context,
                      supervisor_actor workers);

}  // namespace cascade
