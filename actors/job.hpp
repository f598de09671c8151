// actors/job.hpp
//
// One active job: carries the decisions of its graph (state/dag.hpp) to the recorder, and what was
// committed back to the scheduler. A container (a job without workflow) has no graph: it ends when
// nothing of it is left.
//
// In        steps_settled, job_idle, job_command (scheduler); recorded (recorder).
// Out       record; tasks_released, job_ended, forget_... (scheduler); job_attached once it is
//           ready.
// Start     reads its row and those of its steps, restores the graph, and goes on where the rows
//           say; a fresh job first inserts a row for each step. Nothing is decided twice: decisions
//           are idempotent.
// End       written in the same commit as the last step. The database refuses it while an open
//           transaction adds tasks or unfinished ones exist; then it is tried again when the
//           scheduler says idle, and on a growing timer.
// Errors    a workflow that cannot be loaded, or an exception while deciding, fails the job with
//           the reason as error. Database away: the read is repeated with a backoff.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

struct job_start {
  job_id job;
  std::optional<job_arrival> arrival;  // its row, when known
  bool fresh = false;                  // no step has a row yet
  bool redrive = false;                // give everything that failed another round
};
struct job_links {
  scheduler_actor scheduler;
  recorder_actor recorder;
  catalog_actor catalog;
};

job_actor spawn_job(caf::actor_system& system, engine_context_ptr context, job_links links,
                    job_start start);

}  // namespace cascade
