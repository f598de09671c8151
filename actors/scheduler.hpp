// actors/scheduler.hpp
//
// Decides what runs next on this node: holds the ready set, the delays and the limits of queues,
// gives tasks to the pool by credit, and turns outcomes into settlements.
//
// In        work_arrived (inbox), tasks_done (pool, quick worker), recorded (recorder),
//           tasks_released and friends (job actors), drain (service).
// Credits   slots of the pool; quick_max attempts handed out or not recorded; one page of the
//           inbox and one of a backlog.
// Memory    ready_max keys with at most body_bytes_max of payloads; of other ready tasks the id
//           (triggers/ready_line.hpp), their rows are fetched again a page at a time.
// Order     highest priority first over all queues, first come first served within one.
// Commit    a dependent or a retry is taken up only after the settlement that made it ready is
//           committed.
// Restart   forgets everything and loads anew; what still runs in the pool is adopted, not started
//           again.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

struct scheduler_links {
  gateway_actor gateway;
  pool_actor pool;
  recorder_actor recorder;
  catalog_actor catalog;
  supervisor_actor jobs;
};

scheduler_actor spawn_scheduler(caf::actor_system& system, engine_context_ptr context,
                                scheduler_links links);

}  // namespace cascade
