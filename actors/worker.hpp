// actors/worker.hpp
//
// Runs tasks. A worker runs one at a time, whatever it is (a function on a thread, an asynchronous
// one, a command). The quick worker runs lists of tasks whose handlers return within microseconds,
// one after the other, in its own turn.
//
// In     run_tasks (one run for a worker, any number for the quick one), cancel_run.
// Out    worker_hello to the pool when it starts; tasks_done to the pool, or from the quick worker
//        to the scheduler that sent the list.
// Lost   a killed worker asks its attempt to stop; the pool reports the attempt as failed and
//        retryable.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

worker_actor spawn_worker(caf::actor_system& system, engine_context_ptr context, pool_actor pool,
                          std::size_t index);
worker_actor spawn_quick_worker(caf::actor_system& system, engine_context_ptr context,
                                pool_actor pool);

}  // namespace cascade
