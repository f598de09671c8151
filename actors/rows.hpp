// actors/rows.hpp
//
// What actors tell each other about rows: plain data, moved from message to message, never shared
// while it changes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "state/ids.hpp"
#include "state/instant.hpp"
#include "state/job_state.hpp"
#include "state/task_state.hpp"
#include "triggers/priority_changes.hpp"

namespace cascade {

using monotonic =
    std::chrono::steady_clock::time_point;  // always from an actor's clock(), virtual in tests

// What a handler needs of a task. Large, kept for a bounded number of tasks.
struct task_body {
  std::string handler;
  std::string queue;
  std::string step;     // empty for a loose task
  std::string payload;  // JSON text
  std::string retry;    // JSON text of the task's own policy, or empty
  std::string command;  // JSON text of the step's own command, or empty
  std::string rate_key;
  std::string concurrency_key;
  std::int64_t timeout_ms = 0;
  int attempts_max = 1;
  int item = -1;

  std::size_t bytes() const noexcept {
    return sizeof(task_body) + handler.size() + queue.size() + step.size() + payload.size() +
           retry.size() + command.size() + rate_key.size() + concurrency_key.size();
  }
};

// An unfinished task, as read from its row.
struct arrival {
  task_id id;
  job_id job;
  std::optional<instant> due;                // none: not waiting for time
  std::optional<instant> start_by;           // it fails when it has not started by then
  std::chrono::milliseconds start_within{};  // the same from now on, for what is not read; 0: none
  int priority = 0;
  int attempt = 0;  // attempts made so far
  task_state state = task_state::pending;
  std::optional<waiting_reason> reason;
  std::uint32_t tenant = 0;  // tenant_of() its name
  bool capable = true;       // this node has the tags it requires
  bool has_payload = false;  // else body.payload must be fetched before it runs
  task_body body;
};

struct job_arrival {
  job_id id;
  int priority = 0;
  int version = 0;
  job_state state = job_state::pending;
  bool keep_open = false;
  std::optional<instant> started{};
  std::chrono::milliseconds timeout{};  // from its start; 0: none
  std::string workflow;                 // empty: a container
  std::string input;                    // JSON text
  int concurrency = 0;                  // of its tasks; 0: no limit
  std::uint32_t tenant = 0;             // tenant_of() its name
};

struct command_arrival {
  command_id id;
  job_id job;
  task_id task;
  std::string kind;
  std::string queue;
  std::string argument;  // JSON text; of expire_*, the reason
};

struct inbox_page {
  std::vector<arrival> tasks;
  std::vector<job_arrival> jobs;
  std::vector<command_arrival> commands;
  std::string snapshot;   // where the next read goes on; empty in the middle of a paged read
  instant now{};          // with the snapshot
  bool any_task = false;  // new tasks were there, here or left out for being due too late

  std::size_t rows() const noexcept { return tasks.size() + jobs.size() + commands.size(); }
};

// -- writes: what a settlement may hold; one struct for each statement in sql/queries
// ----------------------------------

struct completed_attempt {
  task_id id;
  job_id job;
  int attempt = 1;
  task_state state = task_state::completed;
  monotonic started;
  monotonic finished;
  std::string result;  // JSON text, or empty
  std::string error;
  std::string step;  // for the job's graph
  int item = -1;
};

struct started_attempt {
  task_id id;
  int attempt = 1;
  monotonic started;
};

struct progress_write {
  task_id id;
  int attempt = 1;
  int percent = -1;  // as it is
  std::string text;  // empty: as it is
};

// A task that waits longer for its next attempt is forgotten, and comes back through the inbox like
// one that is new: when its time is within the horizon.
constexpr std::chrono::seconds kept_delay_max{10};

struct backed_off_attempt {
  task_id id;
  int attempt = 1;
  instant run_at{};  // when the next one may start
  monotonic started;
  monotonic finished;
  std::string error;
  bool snoozed = false;    // it comes back, and this attempt does not count
  bool forgotten = false;  // it comes back through the inbox
};

// A step that waits for a time before it may start; it comes back through the inbox.
struct step_wait {
  std::chrono::milliseconds time{};  // from the moment it is written
  std::optional<instant> until{};

  explicit operator bool() const noexcept { return time.count() > 0 || until.has_value(); }
};

struct released_task {
  task_id id;
  int item = -1;                       // becomes this item of a for_each
  std::optional<std::string> payload;  // JSON text; none: the one in the row
  step_wait wait{};
};

struct held_task {
  task_id id;
  waiting_reason reason = waiting_reason::no_capable_worker;
};

struct unrun_task {
  task_id id;
  task_state state = task_state::skipped;
  std::string error;
  std::string result;  // JSON text, or empty
};

struct new_step_task {
  std::string step;
  int item = -1;
  int priority = 0;
  std::int64_t timeout_ms = 0;
  std::int64_t start_within_ms = 0;
  step_wait wait{};
  int attempts_max = 1;
  std::string handler;
  std::string queue;
  std::string retry;
  std::string command;
  std::string requires_tags;           // JSON array text, or empty
  std::optional<std::string> payload;  // JSON text; none: it waits for others
};

struct job_end {
  std::optional<job_state> state;  // none: decided by the counters
  std::string result;              // JSON text, or empty
  std::string error;
  bool closed = false;  // no task is to come: it ends even if it never had one
};

// One thing done to one row that no batch of its own pays for.
struct single_write {
  enum class kind : std::uint8_t {
    cancel_job_tasks,
    set_job_status,
    close_job,
    change_task,         // its key has just been taken out of memory
    change_absent_task,  // there was none: it is not due for long, or has just run
    limit_job,
    redrive_task,
    redrive_step,
    log_attempt,
    reopen_job,
  };
  kind what;
  std::int64_t id = 0;
  std::int64_t number = 0;  // a command, a limit
  std::string text;         // a state, a reason, an argument
};

struct recorded_command {
  command_id id;
  std::string outcome;
};

// A row of cascade.priority_change that is done with it, unless somebody is changing its task's row.
struct applied_change {
  std::int64_t id = 0;
  task_id task;  // none: it goes in any case
};

// Everything that must be committed together.
struct settlement {
  std::uint64_t ticket = 0;  // the sender's; comes back in `recorded`
  job_id job;  // whose steps `inserts` are, whose end `end` is, and whether `start` it
  bool start = false;
  // Its rows are in no other settlement that is not committed: in any order with all others, but for
  // later ones of the same job that are not loose.
  bool loose = false;
  std::vector<new_step_task> inserts;
  std::vector<started_attempt> started;
  std::vector<progress_write> progress;
  std::vector<completed_attempt> completed;
  std::vector<backed_off_attempt> backed_off;
  std::vector<released_task> released;
  std::vector<held_task> held;
  std::vector<unrun_task> unrun;
  std::vector<single_write> singles;
  std::vector<job_priority> job_priorities;  // of their own rows
  std::vector<task_priority> task_priorities;
  std::vector<applied_change> applied_changes;
  std::optional<job_end> end;
  std::vector<recorded_command> commands;

  std::size_t rows() const noexcept {
    return inserts.size() + started.size() + progress.size() + completed.size() +
           backed_off.size() + released.size() + held.size() + unrun.size() + singles.size() +
           job_priorities.size() + task_priorities.size() + applied_changes.size() +
           commands.size() + (start ? 1u : 0u) + (end ? 1u : 0u);
  }
};

}  // namespace cascade
