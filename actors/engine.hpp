// actors/engine.hpp
//
// The supervision tree of a node, as data:
//
//   cascade                one_for_one
//     execution            one_for_all    workers (a supervisor), pool: lives on while the engine
//                          is restarted
//     engine               one_for_all    gateway, cache, recorder, jobs (a supervisor),
//                          scheduler, inbox, propagator, schedules, retention, reconciler
//     ...                  what the service adds: the embedded Postgres before them, the console
//                          after them
//
// The engine's actors share their fate because they share an epoch: after any of them is lost, all
// of them forget, take the lanes anew and read what is committed.
#pragma once

#include <mutex>

#include "actors/cache.hpp"
#include "actors/context.hpp"
#include "actors/supervisor.hpp"

namespace cascade {

// The handles of the actors that run now; changes with every restart.
//
// Thread   any.
class engine_parts {
public:
  struct handles {
    supervisor_actor workers;
    pool_actor pool;
    gateway_actor gateway;
    cache_actor cache;
    recorder_actor recorder;
    supervisor_actor jobs;
    scheduler_actor scheduler;
    inbox_actor inbox;
    propagator_actor propagator;
  };

  handles get() const {
    const std::lock_guard lock(mutex_);
    return handles_;
  }
  template <class F>
  void set(F&& f) {
    const std::lock_guard lock(mutex_);
    f(handles_);
  }

private:
  mutable std::mutex mutex_;
  handles handles_;
};

child_spec execution_child(engine_context_ptr context, std::shared_ptr<engine_parts> parts);
child_spec engine_child(engine_context_ptr context, std::shared_ptr<engine_parts> parts);

// Answers for whichever actor runs now: jobs and queues for the scheduler, inbox for the inbox,
// priorities for the propagator, task and job for the cache.
console_provider spawn_console_relay(caf::actor_system& system,
                                     std::shared_ptr<engine_parts> parts);

}  // namespace cascade
