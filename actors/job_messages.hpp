// actors/job_messages.hpp
//
// What is recorded, and what jobs are told and say: recorder, catalog, job actors, scheduler.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/rows.hpp"
#include "state/errc.hpp"
#include "state/workflow_plan.hpp"

namespace cascade {

// -- recorder ------------------------------------------------------------------------------------

struct recorded {
  std::uint64_t ticket = 0;
  std::size_t rows = 0;
  std::vector<task_id> inserted;   // ids of settlement::inserts, in order
  std::optional<job_state> ended;  // the job ended with it
  std::size_t reprioritized = 0;   // tasks whose priority changed
  std::vector<task_id> busy;       // ... did not: somebody else is changing the row
  std::string rejected;            // not empty: nothing of it was written, and never will be
};
using record_sink = caf::typed_actor<caf::reacts_to<recorded>>;
struct record {  // the sender gets `recorded`
  settlement what;
};
struct batch_answered {
  std::uint64_t generation = 0;
  std::size_t writer = 0;
  std::int64_t number = 0;
  errc problem = errc{};  // 0: committed
  std::string text;
  std::vector<recorded> results;
  bool left_uncounted = false;
};
struct uncounted_tasks {};  // tasks that no counter contains: docs/adr/0004-counters.md
using arrival_sink = caf::typed_actor<caf::reacts_to<uncounted_tasks>>;
struct recorder_wake {};

// -- jobs ----------------------------------------------------------------------------------------

struct job_loaded {
  bool ok = false;
  bool with_rows = false;  // the rows of its steps were read, too
  job_arrival job;
  struct row {
    task_id id;
    std::string step;
    int item = -1;
    task_state state = task_state::waiting;
    std::optional<waiting_reason> reason;
    std::optional<std::string> result;
    std::string error;
    int priority = 0;
  };
  std::vector<row> rows;
};
struct get_workflow {
  std::string name;
  int version = 0;
};
struct workflow_found {
  std::shared_ptr<const workflow_plan> plan;  // immutable
};
struct workflow_read {
  std::uint64_t ticket = 0;
  bool ok = false;
  std::string definition;
  std::string problem;
};
// Scheduler to job actor: attempts at its steps that are over for good.
struct steps_settled {
  std::vector<completed_attempt> attempts;
  bool quick = false;  // nothing else is being written of them
};
// Scheduler to job actor: nothing of the job is ready, delayed, running or being recorded.
struct job_idle {};
// A command that somebody gave; or without an id, what time or a limit does: expire_task, expire_job,
// displace_task.
struct job_command {
  command_arrival command;
};
// Job actor to scheduler.
struct job_attached {
  job_id job;
  bool container = false;
  bool paused = false;
  std::optional<instant> started{};     // none: just now
  std::chrono::milliseconds timeout{};  // from then; 0: none
  std::string workflow{};
  int concurrency = 0;
};
struct tasks_released {
  job_id job;
  std::size_t settled = 0;  // attempts that are recorded now
  std::vector<arrival> tasks;
  bool look = false;               // others wait for a time: the inbox finds them
  std::vector<task_id> revived{};  // will live again: their old keys, if any are about, are void
};
struct job_ended {
  job_id job;
  std::size_t commands = 0;  // job_commands that were carried out; later ones came too late
};
struct forget_job_tasks {  // the job was cancelled: its keys are void, its attempts are stopped
  job_id job;
};
struct forget_task {  // one of them was cancelled
  task_id id;
  job_id job;
};
struct job_retry {
  std::uint64_t generation = 0;
};

}  // namespace cascade
