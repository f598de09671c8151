// actors/messages.hpp
//
// Every message between actors, and the interfaces that carry them. Commands are imperative, events
// past tense, queries nouns. Add your own types at the end of the block: ids are positional.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/rows.hpp"
#include "actors/schedule_rows.hpp"
#include "actors/supervisor_spec.hpp"
#include "executors/handler.hpp"
#include "state/errc.hpp"
#include "state/workflow_plan.hpp"
#include "triggers/database_clock.hpp"
#include "triggers/rate_meter.hpp"
#include "triggers/slot_set.hpp"

namespace cascade {

// -- supervision ----------------------------------------------------------------------------------

enum class supervisor_errc : std::uint8_t {
  restart_intensity_exceeded = 1,  // the exit reason of a supervisor that gave up
  start_failed,                    // spawn threw or returned nothing
  ready_deadline_missed,           // child_ready did not arrive in time
  child_abandoned,                 // a killed child's handler never returned
  name_taken,                      // start_child with the name of a sibling
  child_not_found,                 //
  shutting_down,                   // the supervisor is about to end
};
std::string to_string(supervisor_errc e);

// Text of any error, for people and logs: "user_shutdown", "restart intensity exceeded",
// "unhandled_exception: ...".
std::string error_text(const caf::error& e);

// From a child to its supervisor, once, when it can serve. Must be sent by the child itself.
struct child_ready {};

// Adds a child while the supervisor runs. Answered when it is up, or with the error of its first
// start, which is then forgotten and not counted as a failure.
struct start_child {
  child_spec spec;
};
struct child_started {
  caf::actor_id id = 0;
  caf::strong_actor_ptr handle;
};

// Stops one child for good (an added one is forgotten, a child of the spec can be brought back by
// restart_child).
struct stop_child {
  std::string name;
};
struct child_stopped {
  std::string name;
};
struct restart_child {
  std::string name;
};

// Every actor of ours answers `describe` with what it is doing. It fills in state and detail; its
// supervisor adds the rest. A supervisor answers with its whole subtree, and gives each level a
// little less than `within`.
struct describe {
  caf::timespan within = std::chrono::milliseconds(500);
};
struct description {
  std::string name;
  std::string kind;  // worker, supervisor
  caf::actor_id id = 0;
  std::string state;   // one or two words
  std::string detail;  // a JSON object as text, or empty
  std::uint32_t restarts = 0;
  bool answered = true;                // false: it did not answer in time
  std::uint64_t children_omitted = 0;  // beyond the limit of one answer
  std::vector<description> children;
};

// Looks for an actor in the subtree below a supervisor. Error: child_not_found.
struct find_child {
  caf::actor_id id = 0;
  caf::timespan within = std::chrono::milliseconds(500);
};
struct child_found {
  std::string path;  // cascade/engine/scheduler
  caf::strong_actor_ptr handle;
};

struct restart_query {};
struct restart_count {
  std::string name;
  std::uint32_t restarts = 0;
};
struct restart_counters {
  std::string supervisor;
  std::uint64_t restarts_total = 0;  // over its life, forgotten children included
  std::vector<restart_count> children;
};

// Private timer of a supervisor: child 0 begins the first start.
struct supervisor_wake {
  std::uint64_t child = 0;
  std::uint64_t generation = 0;
};

// -- console --------------------------------------------------------------------------------------

// From the socket to the console actor, and from the console to a provider (jobs, queues, inbox).
struct console_query {
  std::string command;
  std::string argument;
};
struct console_answer {
  std::string text;  // for people, without colour
  std::string json;  // the same as JSON text
};

// One request line; the answer goes back to the server that numbered the request.
struct console_line {
  std::uint64_t request = 0;
  std::string line;
};

// -- database: gateway to those who use it
// --------------------------------------------------------------------------------

// The state of the connection and of the lanes. Sent at attach and at every change.
struct database_changed {
  bool up = false;
  bool resumed = false;  // the same epoch goes on after a lost connection: memory is still true
  bool unclean = false;  // the last owner died: tasks may have been in flight
  epoch_id epoch;
  std::vector<std::int64_t> last_batches;  // by writer: the last one committed in this epoch
  std::uint64_t generation = 0;            // rises with each connection
};
using database_user = caf::typed_actor<caf::reacts_to<database_changed>>;
struct attach_database {};  // the sender becomes a user

// Private to the gateway: what the Asio side has to say about connection `generation`.
struct connection_step {
  enum class kind : std::uint8_t { ready, lost, lanes, resumed, taken_over };
  kind what = kind::ready;
  std::uint64_t generation = 0;
  bool ok = false;
  bool unclean = false;
  std::int64_t number = 0;            // lanes got, epoch
  std::vector<std::int64_t> batches;  // resumed: the last one of each writer; none: taken over
  std::string text;
};
struct attach_schedules {};   // the sender gets schedules_changed and clock_read from the scheduler
struct schedules_changed {};  // rows of cascade.schedule
struct schedules_wake {
  std::uint64_t generation = 0;
};
struct retention_wake {  // private timer of the retention
  std::uint64_t round = 0;
};
struct retention_answer {  // of the Asio side to it
  std::uint64_t round = 0;
  bool ok = false;
  bool over = false;  // nothing is left to do
  std::string next;   // a statement to run
  std::string problem;
};
struct reconcile_wake {  // private timer of the reconciler
  std::uint64_t round = 0;
};
struct reconcile_answer {  // of the Asio side to it
  std::uint64_t round = 0;
  bool ok = false;
  bool committed = false;
  std::string done;  // by a step, as JSON; empty: the round has begun
  std::string problem;
};
struct reconnect {
  std::uint64_t generation = 0;
};

// -- inbox
// -------------------------------------------------------------------------------------------------

struct bell {};  // nobody has sent a read yet
struct inbox_read {
  std::uint64_t generation = 0;
  std::uint64_t reading = 0;  // which read this belongs to
  bool ok = false;
  bool full = false;        // stopped at the limit
  bool paged = false;       // part of a paged read
  bool last = true;         // of the paged read
  bool tasks_only = false;  // jobs and commands were not looked for
  monotonic answered{};     // when it was here
  inbox_page page;
  errc code = errc{};
  std::string problem;
};
struct doorbell_step {
  std::uint64_t generation = 0;
  bool locked = false;  // an answer to lock, else to unlock
  bool got = false;
  std::vector<std::int32_t> groups;
};
struct inbox_wake {
  std::uint64_t generation = 0;
};
struct attach_inbox {};  // the sender is the inbox that brings the scheduler its pages
// From the scheduler, once an epoch: load what is unfinished. Tasks in `running` still run here and
// are not lost.
struct begin_load {
  std::vector<std::int64_t> running;
};
// To the scheduler; the next page of its kind comes only after page_taken. Pages of backlogs come one
// backlog after the other, and between them what is new.
struct work_arrived {
  enum class kind : std::uint8_t {
    fresh,
    backlog,  // part of one that was announced, or of the load
  };
  inbox_page page;
  kind what = kind::fresh;
  int announced = 0;     // backlogs that follow
  bool last = false;     // of the backlog
  bool loading = false;  // the backlog is the first load of an epoch
};
// What time it is at the database; when that is known better than before.
struct clock_read {
  database_clock clock;
};
struct page_taken {
  bool backlog = false;
};
struct attach_priorities {};   // the sender gets priorities_changed from the inbox
struct priorities_changed {};  // rows of cascade.priority_change, maybe
// To the inbox: answered when the scheduler has got what was committed before this.
struct sync_inbox {};
struct inbox_synced {};

// -- priorities
// -------------------------------------------------------------------------------------------------

// To the scheduler: counts at once for what is in memory, and for what comes from rows that may be
// older. Changes of jobs come before those of tasks. Answered when the jobs concerned know it.
struct reprioritize {
  std::vector<task_priority> tasks;
  std::vector<job_priority> jobs;
};
// Scheduler to job actor; the tasks in the order of the changes.
struct reprioritize_job {
  std::optional<std::uint8_t> job;
  std::vector<task_priority> tasks;
};
// What else has another priority now: steps that those wait for.
struct reprioritized {
  std::vector<task_priority> raised;
};

// -- scheduler, pool, workers
// -------------------------------------------------------------------------------------------------

// To the scheduler itself. Reload 0: it had more to do than fits into a turn.
struct tasks_fetched {
  std::uint64_t reload = 0;
  std::uint64_t generation = 0;
  bool ok = false;
  std::vector<arrival> tasks;  // unfinished ones; without a payload when there was no room for it
};
struct task_done {
  task_id id;
  int attempt = 1;
  monotonic started;
  monotonic finished;
  outcome how;
};
struct tasks_done {
  std::vector<task_done> tasks;
};
struct task_beat {  // at most one a second of each
  task_id id;
  int attempt = 1;
  progress_report report;
};
struct run_tasks {
  std::vector<task_run> runs;
  bool quick = false;  // for the quick worker, which answers the sender
};
struct cancel_run {
  task_id id;
};
struct quick_lost {};  // the quick worker was killed with everything it had
struct running_now {
  task_id id;
  int attempt = 1;
  monotonic started;
};
struct attach_pool {};  // the sender becomes the scheduler that gets tasks_done
struct pool_inventory {
  std::vector<running_now> running;
  std::size_t slots = 0;
};
struct worker_hello {
  std::size_t index = 0;
  bool quick = false;
};
struct run_beat {
  std::uint64_t run = 0;
  progress_report report;
};
struct run_ended {
  std::uint64_t run = 0;
  outcome how;
};
struct queue_settings {
  std::string name;
  bool paused = false;
  int concurrency = 0;      // 0: no limit
  rate_limit rate{};        // of the whole queue
  rate_limit key_rate{};    // of each rate_key
  int key_concurrency = 1;  // of each concurrency_key
  when_full strategy = when_full::wait;
  double weight = 1;
  tenant_strides tenants{};  // those with a weight
};
struct workflow_settings {
  std::string workflow;
  bool paused = false;
  int concurrency = 0;  // of the tasks of all its jobs; 0: no limit
};
struct queues_loaded {
  std::uint64_t generation = 0;
  bool ok = false;
  std::vector<queue_settings> queues;
  std::vector<workflow_settings> workflows;
};
struct scheduler_wake {
  std::uint64_t generation = 0;
};
struct drain {  // the scheduler starts nothing any more; the recorder gives the lanes back
  caf::timespan within = std::chrono::seconds(10);
};
struct drain_over {
  bool done = false;  // or its time is
};
struct drained {
  std::size_t left = 0;  // tasks that were still running, rows that were not written
};

// -- recorder
// -------------------------------------------------------------------------------------------------

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

// -- jobs
// -------------------------------------------------------------------------------------------------

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
  bool look = false;  // others wait for a time: the inbox finds them
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

template <class I>
typename I::result_type inspect(I& f, child_ready&) {
  return f(caf::meta::type_name("cascade::child_ready"));
}
template <class I>
typename I::result_type inspect(I& f, child_started& x) {
  return f(caf::meta::type_name("cascade::child_started"), x.id, x.handle);
}
template <class I>
typename I::result_type inspect(I& f, stop_child& x) {
  return f(caf::meta::type_name("cascade::stop_child"), x.name);
}
template <class I>
typename I::result_type inspect(I& f, child_stopped& x) {
  return f(caf::meta::type_name("cascade::child_stopped"), x.name);
}
template <class I>
typename I::result_type inspect(I& f, restart_child& x) {
  return f(caf::meta::type_name("cascade::restart_child"), x.name);
}
template <class I>
typename I::result_type inspect(I& f, describe& x) {
  return f(caf::meta::type_name("cascade::describe"), x.within);
}
template <class I>
typename I::result_type inspect(I& f, description& x) {
  return f(caf::meta::type_name("cascade::description"), x.name, x.kind, x.id, x.state, x.detail,
           x.restarts, x.answered, x.children_omitted, x.children);
}
template <class I>
typename I::result_type inspect(I& f, find_child& x) {
  return f(caf::meta::type_name("cascade::find_child"), x.id, x.within);
}
template <class I>
typename I::result_type inspect(I& f, child_found& x) {
  return f(caf::meta::type_name("cascade::child_found"), x.path, x.handle);
}
template <class I>
typename I::result_type inspect(I& f, restart_query&) {
  return f(caf::meta::type_name("cascade::restart_query"));
}
template <class I>
typename I::result_type inspect(I& f, restart_count& x) {
  return f(caf::meta::type_name("cascade::restart_count"), x.name, x.restarts);
}
template <class I>
typename I::result_type inspect(I& f, restart_counters& x) {
  return f(caf::meta::type_name("cascade::restart_counters"), x.supervisor, x.restarts_total,
           x.children);
}
template <class I>
typename I::result_type inspect(I& f, supervisor_wake& x) {
  return f(caf::meta::type_name("cascade::supervisor_wake"), x.child, x.generation);
}
template <class I>
typename I::result_type inspect(I& f, console_query& x) {
  return f(caf::meta::type_name("cascade::console_query"), x.command, x.argument);
}
template <class I>
typename I::result_type inspect(I& f, console_answer& x) {
  return f(caf::meta::type_name("cascade::console_answer"), x.text, x.json);
}
template <class I>
typename I::result_type inspect(I& f, console_line& x) {
  return f(caf::meta::type_name("cascade::console_line"), x.request, x.line);
}

}  // namespace cascade

// Local only: carries functions.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::start_child)
// Local only: moved between the actors of one node, never serialized.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::database_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_database)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::connection_step)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::task_beat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::run_beat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_schedules)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::schedules_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::schedules_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::schedules_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::tick_fired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::retention_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::retention_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reconcile_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reconcile_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reconnect)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::bell)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::inbox_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::doorbell_step)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::inbox_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_inbox)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::begin_load)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::queues_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::clock_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::work_arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::page_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_priorities)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::priorities_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::sync_inbox)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::inbox_synced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reprioritize)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reprioritize_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reprioritized)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::tasks_fetched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::task_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::tasks_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::run_tasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::cancel_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::quick_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_pool)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::pool_inventory)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::worker_hello)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::run_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::scheduler_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::drain_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::recorded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::record)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::batch_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::uncounted_tasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::recorder_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::get_workflow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::workflow_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::workflow_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::steps_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_idle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_command)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_attached)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::tasks_released)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::forget_job_tasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::forget_task)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_retry)

CAF_BEGIN_TYPE_ID_BLOCK(cascade, first_custom_type_id)
CAF_ADD_TYPE_ID(cascade, (cascade::errc))
CAF_ADD_TYPE_ID(cascade, (cascade::supervisor_errc))
CAF_ADD_TYPE_ID(cascade, (cascade::child_ready))
CAF_ADD_TYPE_ID(cascade, (cascade::start_child))
CAF_ADD_TYPE_ID(cascade, (cascade::child_started))
CAF_ADD_TYPE_ID(cascade, (cascade::stop_child))
CAF_ADD_TYPE_ID(cascade, (cascade::child_stopped))
CAF_ADD_TYPE_ID(cascade, (cascade::restart_child))
CAF_ADD_TYPE_ID(cascade, (cascade::describe))
CAF_ADD_TYPE_ID(cascade, (cascade::description))
CAF_ADD_TYPE_ID(cascade, (cascade::find_child))
CAF_ADD_TYPE_ID(cascade, (cascade::child_found))
CAF_ADD_TYPE_ID(cascade, (cascade::restart_query))
CAF_ADD_TYPE_ID(cascade, (cascade::restart_count))
CAF_ADD_TYPE_ID(cascade, (cascade::restart_counters))
CAF_ADD_TYPE_ID(cascade, (cascade::supervisor_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::console_query))
CAF_ADD_TYPE_ID(cascade, (cascade::console_answer))
CAF_ADD_TYPE_ID(cascade, (cascade::console_line))
CAF_ADD_TYPE_ID(cascade, (cascade::database_changed))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_database))
CAF_ADD_TYPE_ID(cascade, (cascade::connection_step))
CAF_ADD_TYPE_ID(cascade, (cascade::retention_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::retention_answer))
CAF_ADD_TYPE_ID(cascade, (cascade::reconnect))
CAF_ADD_TYPE_ID(cascade, (cascade::bell))
CAF_ADD_TYPE_ID(cascade, (cascade::inbox_read))
CAF_ADD_TYPE_ID(cascade, (cascade::doorbell_step))
CAF_ADD_TYPE_ID(cascade, (cascade::inbox_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_inbox))
CAF_ADD_TYPE_ID(cascade, (cascade::begin_load))
CAF_ADD_TYPE_ID(cascade, (cascade::queues_loaded))
CAF_ADD_TYPE_ID(cascade, (cascade::work_arrived))
CAF_ADD_TYPE_ID(cascade, (cascade::page_taken))
CAF_ADD_TYPE_ID(cascade, (cascade::tasks_fetched))
CAF_ADD_TYPE_ID(cascade, (cascade::task_done))
CAF_ADD_TYPE_ID(cascade, (cascade::tasks_done))
CAF_ADD_TYPE_ID(cascade, (cascade::run_tasks))
CAF_ADD_TYPE_ID(cascade, (cascade::cancel_run))
CAF_ADD_TYPE_ID(cascade, (cascade::quick_lost))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_pool))
CAF_ADD_TYPE_ID(cascade, (cascade::pool_inventory))
CAF_ADD_TYPE_ID(cascade, (cascade::worker_hello))
CAF_ADD_TYPE_ID(cascade, (cascade::run_ended))
CAF_ADD_TYPE_ID(cascade, (cascade::scheduler_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::drain))
CAF_ADD_TYPE_ID(cascade, (cascade::drain_over))
CAF_ADD_TYPE_ID(cascade, (cascade::drained))
CAF_ADD_TYPE_ID(cascade, (cascade::recorded))
CAF_ADD_TYPE_ID(cascade, (cascade::record))
CAF_ADD_TYPE_ID(cascade, (cascade::batch_answered))
CAF_ADD_TYPE_ID(cascade, (cascade::uncounted_tasks))
CAF_ADD_TYPE_ID(cascade, (cascade::recorder_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::job_loaded))
CAF_ADD_TYPE_ID(cascade, (cascade::get_workflow))
CAF_ADD_TYPE_ID(cascade, (cascade::workflow_found))
CAF_ADD_TYPE_ID(cascade, (cascade::workflow_read))
CAF_ADD_TYPE_ID(cascade, (cascade::steps_settled))
CAF_ADD_TYPE_ID(cascade, (cascade::job_idle))
CAF_ADD_TYPE_ID(cascade, (cascade::job_command))
CAF_ADD_TYPE_ID(cascade, (cascade::job_attached))
CAF_ADD_TYPE_ID(cascade, (cascade::tasks_released))
CAF_ADD_TYPE_ID(cascade, (cascade::job_ended))
CAF_ADD_TYPE_ID(cascade, (cascade::forget_job_tasks))
CAF_ADD_TYPE_ID(cascade, (cascade::forget_task))
CAF_ADD_TYPE_ID(cascade, (cascade::job_retry))
CAF_ADD_TYPE_ID(cascade, (cascade::clock_read))
CAF_ADD_TYPE_ID(cascade, (cascade::task_beat))
CAF_ADD_TYPE_ID(cascade, (cascade::run_beat))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_schedules))
CAF_ADD_TYPE_ID(cascade, (cascade::schedules_changed))
CAF_ADD_TYPE_ID(cascade, (cascade::schedules_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::schedules_loaded))
CAF_ADD_TYPE_ID(cascade, (cascade::tick_fired))
CAF_ADD_TYPE_ID(cascade, (cascade::reconcile_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::reconcile_answer))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_priorities))
CAF_ADD_TYPE_ID(cascade, (cascade::priorities_changed))
CAF_ADD_TYPE_ID(cascade, (cascade::sync_inbox))
CAF_ADD_TYPE_ID(cascade, (cascade::inbox_synced))
CAF_ADD_TYPE_ID(cascade, (cascade::reprioritize))
CAF_ADD_TYPE_ID(cascade, (cascade::reprioritize_job))
CAF_ADD_TYPE_ID(cascade, (cascade::reprioritized))
CAF_END_TYPE_ID_BLOCK(cascade)

CAF_ERROR_CODE_ENUM(cascade::errc, "cascade")
CAF_ERROR_CODE_ENUM(cascade::supervisor_errc, "supervisor")

namespace cascade {

// What every actor of ours is at least.
using describable = caf::typed_actor<caf::replies_to<describe>::with<description>>;

using supervisor_actor = caf::typed_actor<  //
    caf::reacts_to<child_ready>,            //
    caf::replies_to<start_child>::with<child_started>,
    caf::replies_to<stop_child>::with<child_stopped>,
    caf::replies_to<restart_child>::with<child_started>,
    caf::replies_to<describe>::with<description>, caf::replies_to<find_child>::with<child_found>,
    caf::replies_to<restart_query>::with<restart_counters>>;

// Answers console commands for a part of the engine.
using console_provider = caf::typed_actor<caf::replies_to<console_query>::with<console_answer>>;

using console_actor = console_provider::extend<  //
    caf::reacts_to<console_line>, caf::replies_to<describe>::with<description>>;

using gateway_actor = caf::typed_actor<  //
    caf::reacts_to<attach_database>, caf::replies_to<describe>::with<description>>;

using retention_actor = caf::typed_actor<  //
    caf::reacts_to<database_changed>, caf::replies_to<describe>::with<description>>;

using reconciler_actor = caf::typed_actor<  //
    caf::reacts_to<database_changed>, caf::replies_to<describe>::with<description>>;

using schedules_actor = caf::typed_actor<  //
    caf::reacts_to<database_changed>, caf::reacts_to<schedules_changed>, caf::reacts_to<clock_read>,
    caf::replies_to<describe>::with<description>>;

using inbox_actor = console_provider::extend<  //
    caf::reacts_to<database_changed>, caf::reacts_to<bell>, caf::reacts_to<begin_load>,
    caf::reacts_to<page_taken>, caf::reacts_to<attach_priorities>,
    caf::replies_to<sync_inbox>::with<inbox_synced>, caf::replies_to<describe>::with<description>>;

using propagator_actor = console_provider::extend<  //
    caf::reacts_to<database_changed>, caf::reacts_to<priorities_changed>, caf::reacts_to<recorded>,
    caf::replies_to<describe>::with<description>>;

using recorder_actor = caf::typed_actor<  //
    caf::reacts_to<database_changed>, caf::reacts_to<record>, caf::reacts_to<uncounted_tasks>,
    caf::reacts_to<clock_read>, caf::replies_to<drain>::with<drained>,
    caf::replies_to<describe>::with<description>>;

using catalog_actor = caf::typed_actor<  //
    caf::replies_to<get_workflow>::with<workflow_found>,
    caf::replies_to<describe>::with<description>>;

using job_actor = caf::typed_actor<  //
    caf::reacts_to<recorded>, caf::reacts_to<steps_settled>, caf::reacts_to<job_idle>,
    caf::reacts_to<job_command>, caf::replies_to<reprioritize_job>::with<reprioritized>,
    caf::replies_to<describe>::with<description>>;

// Those that introduce themselves (attach_..., job_attached, worker_hello) do it as senders.
using scheduler_actor = console_provider::extend<  //
    caf::reacts_to<database_changed>,              //
    caf::reacts_to<attach_inbox>, caf::reacts_to<attach_schedules>, caf::reacts_to<clock_read>,
    caf::reacts_to<work_arrived>, caf::reacts_to<tasks_done>, caf::reacts_to<task_beat>,
    caf::reacts_to<quick_lost>, caf::reacts_to<recorded>, caf::reacts_to<job_attached>,
    caf::reacts_to<tasks_released>, caf::reacts_to<job_ended>, caf::reacts_to<forget_job_tasks>,
    caf::reacts_to<forget_task>, caf::replies_to<drain>::with<drained>,
    caf::reacts_to<tasks_fetched>, caf::replies_to<reprioritize>::with<reprioritized>,
    caf::replies_to<describe>::with<description>>;

using worker_actor = caf::typed_actor<  //
    caf::reacts_to<run_tasks>, caf::reacts_to<cancel_run>,
    caf::replies_to<describe>::with<description>>;

using pool_actor = caf::typed_actor<  //
    caf::replies_to<attach_pool>::with<pool_inventory>, caf::reacts_to<run_tasks>,
    caf::reacts_to<cancel_run>, caf::reacts_to<worker_hello>, caf::reacts_to<tasks_done>,
    caf::reacts_to<task_beat>, caf::replies_to<describe>::with<description>>;

}  // namespace cascade
