// actors/scheduler_state.hpp
//
// What the scheduler knows, and its parts that talk to nobody: handlers, queues, jobs. A
// cache of the unfinished rows of its lanes; built anew at every load.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <unordered_map>
#include <unordered_set>

#include "actors/body_store.hpp"
#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "triggers/database_clock.hpp"
#include "triggers/delay_set.hpp"
#include "triggers/rate_set.hpp"
#include "triggers/slot_rest.hpp"

namespace cascade {

// Of ready keys.
inline constexpr std::uint8_t flag_careful = 1;
inline constexpr std::uint8_t flag_delay = 2;  // of a delayed one: not a retry's back-off
inline constexpr std::uint8_t flag_keyed = 4;  // its body has a concurrency_key

struct queue_info {
  bool paused = false;
  int concurrency = 0;  // 0: no limit
  int running = 0;
  when_full strategy = when_full::wait;
  double weight = 1;
  tenant_strides tenants;
  std::unique_ptr<rate_set> rates;  // once it had a limit
  std::deque<delayed_key> turns;    // parked ones whose turn has come, and is taken

  bool open() const { return !paused && (concurrency == 0 || running < concurrency); }
};

// Tasks of a queue that wait for slots or turns, with their bodies; when they are so many, the others stay in the
// ready set.
inline constexpr std::size_t parked_max = 100'000;

// Jobs that have been told of new priorities, until the last one has answered.
struct priority_round {
  reprioritize asked;
  reprioritized raised;
  std::size_t open = 0;
  caf::typed_response_promise<reprioritized> promise;
};
using priority_round_ptr = std::shared_ptr<priority_round>;

struct job_info_entry {
  job_actor actor;  // null until it has attached
  bool paused = false;
  bool workflow_paused = false;
  bool container = false;
  std::string workflow;
  std::size_t open = 0;        // its tasks that are ready, delayed, running or being recorded
  std::size_t voided = 0;      // of these, cancelled ones whose keys are still about
  std::size_t unrecorded = 0;  // attempts that its actor was told of and has not recorded
  bool paused_known = false, limit_known = false;  // by its row or a command: its actor knows less
  std::vector<completed_attempt> unsent_steps;
  std::vector<command_arrival> unsent_commands;
  std::vector<command_arrival> sent_commands;  // the job may end before it sees the last of them
  std::vector<std::pair<reprioritize_job, priority_round_ptr>> unsent_priorities;
  std::map<ready_set::place, ready_line> parked;  // ready, but the job is paused

  bool stopped() const { return paused || workflow_paused; }
};

struct running_task {
  job_id job;
  monotonic started;
  std::int64_t timeout_ms = 0;
  ready_set::lot_index lot = 0;
  int attempt = 1;
  int attempts_max = 1;
  int item = -1;
  std::uint16_t handler = 0;
  std::uint8_t priority = 0;
  bool quick = false;
  bool written = false;  // as running
  std::string step;
  std::string retry;
  slot_names slots;  // that it holds
  std::uint32_t tenant = 0;
  bool displaced = false;  // its job was told
  bool counted = true;     // for its queue; one of before the load, whose row has ended, is not
  std::string workflow;    // once it was told to stop: its job may end before it
};

struct held_slots {
  job_id job;
  slot_names names;
};

// What the rows of one fetch are for.
struct slot_reload {
  slot_rest::group_name group;
  std::uint64_t ticket = 0;
};
struct reload_under_way {
  std::vector<ready_set::reload> ready;
  std::vector<slot_reload> slots;
};

// Of delayed tasks, the bodies are fetched one to two of these before their time.
inline constexpr std::chrono::milliseconds body_lead{50};

// What happens when the settlement with this ticket is committed.
struct after_commit {
  std::vector<std::pair<delayed_key, instant>> delays;
  std::vector<std::pair<job_id, std::size_t>>
      closed;                // tasks of containers and extra tasks that are over
  std::size_t attempts = 0;  // leave the count of unrecorded ones
  task_id beat;              // its progress
  bool look = false;         // rows came back to life: the inbox must look for them
  bool voided = false;       // a task is gone from memory; if refused, only a load brings it
  std::vector<command_arrival> commands;  // wait until then
};

struct scheduler_data {
  static inline const char* name = "cascade.scheduler";

  engine_context_ptr context;
  pool_actor pool;
  recorder_actor recorder;
  catalog_actor catalog;
  supervisor_actor jobs_supervisor;
  caf::strong_actor_ptr inbox;  // learned from its first page
  caf::strong_actor_ptr schedules;

  bool up = false;
  bool loaded = false;
  bool draining = false;
  bool interrupting = false;  // the time for that is up
  bool inventory = false;     // the pool has told what runs
  bool load_asked = false;
  bool load_begun = false;     // its first page is in
  bool queues_known = false;   // their settings were read since the connection began
  bool queues_failed = false;  // to be read: they are read again with the next wake-up
  // Tasks of the load may have been in flight at a lost node: running is written first.
  bool careful = false;
  std::uint64_t generation = 0;
  epoch_id epoch;
  caf::typed_response_promise<drained> drain_promise;

  ready_set ready;  // what is hot there has its body here
  body_store bodies;
  std::map<std::uint64_t, reload_under_way> reloads;
  std::uint64_t reload_number = 0;
  int looks_left = 0;     // pages of cold keys that may be looked through in this turn
  bool going_on = false;  // a message of its own comes for the rest

  int backlogs = 0;  // announced, and not all of their pages are here
  // What a page that comes later would undo: carried out after the last one, again or at all.
  std::map<task_id, task_priority> late_tasks;
  std::map<job_id, job_priority> late_jobs;
  // What a row that was read just before its priority was written does not say; for some seconds.
  struct new_priorities {
    std::map<task_id, task_priority> tasks;
    std::map<job_id, job_priority> jobs;

    bool empty() const { return tasks.empty() && jobs.empty(); }
  };
  new_priorities recent, less_recent;
  monotonic recent_until;
  std::vector<command_arrival> retries;
  std::vector<std::string> handlers;
  std::vector<handler_class> handler_classes;
  std::unordered_map<std::string, std::uint16_t> handler_index;
  std::map<std::string, queue_info> queues;
  std::vector<queue_info*> lot_queue;                  // by lot
  std::vector<queue_info*> rated;                      // those with rates
  std::map<std::string, workflow_settings> workflows;  // those with settings
  slot_set slots;
  slot_rest rest;  // beyond the first that wait there
  // Tasks that have their slots and do not run yet.
  std::unordered_map<task_id, held_slots> holding;
  // Steps that a full key has cancelled, and their jobs have not: no key of theirs is about.
  std::unordered_map<task_id, job_id> displaced;
  std::uint64_t displacements = 0;

  std::unordered_map<task_id, running_task> running;
  // Cancelled attempts that the pool has not ended yet: they count for all limits.
  std::unordered_map<task_id, running_task> stopping;
  // Whose progress is being written, and what came meanwhile: the latest.
  std::unordered_map<task_id, std::optional<task_beat>> beats;
  database_clock clock;  // before the first page of the load it says nothing
  monotonic now;         // of the dispatch under way
  delay_set delayed{body_lead};
  // Those whose bodies are on their way, and with which reload; these wait for nothing, and nothing for them.
  std::unordered_map<task_id, std::uint64_t> due_soon;
  std::map<std::uint64_t, std::vector<std::int64_t>> delayed_reloads;
  delay_set start_by;    // ready or delayed ones that fail unless they have started
  delay_set job_limits;  // when jobs time out; the key's id is the job's
  std::deque<std::pair<monotonic, task_id>> unwritten;  // slot tasks by the time running is written
  std::unordered_map<job_id, job_info_entry> jobs;
  std::unordered_set<task_id> void_tasks;  // cancelled; dropped when their key turns up
  std::unordered_set<job_id> void_jobs;
  std::unordered_set<job_id> redrive_jobs;  // reopened; redriven when they come in
  std::unordered_map<caf::actor_addr, job_id> job_of;
  std::uint64_t job_starts = 0;
  std::unordered_map<task_id, running_now>
      adoptable;  // ran in the pool before this scheduler began
  std::unordered_map<task_id, task_run> careful_runs;  // waiting for their running to be committed

  std::size_t free_slots = 0;
  std::size_t quick_out = 0;      // handed to the quick worker
  std::size_t unrecorded = 0;     // attempts over but not committed
  std::vector<tasks_done> early;  // outcomes that came before the load was over
  std::uint64_t ticket = 0;
  std::unordered_map<std::uint64_t, after_commit> pending;
  std::unordered_map<std::uint64_t, std::vector<task_id>> careful_tickets;
  std::uint64_t wake = 0;
  std::optional<monotonic> wake_at;
  bool quick_cooldown = false;
  std::minstd_rand random;
  std::uint64_t dispatched = 0, finished = 0, arrived = 0;
  struct question {
    task_id task;
    caf::typed_response_promise<console_answer> promise;
  };
  std::map<std::uint64_t, question> questions;  // `why`: the rows are being read
  std::uint64_t question_number = 0;

  // Keeps what the key does not say.
  void keep_body(ready_key& key, task_body&& body);
  task_body take_body(ready_set::lot_index lot, const ready_key& key);
  std::uint16_t handler_of(const std::string& name, bool has_command);
  ready_set::lot_index lot_of(const std::string& queue, std::uint16_t handler);
  // What is loaded may run while the rest is read.
  bool may_start() const { return queues_known && load_begun; }
  // Nothing runs, not even what was told to stop, and all of it is recorded.
  bool is_done() const { return running.empty() && stopping.empty() && unrecorded == 0; }
  // The priority of a task of the lot that has waited for slots, and may start; -1: none.
  int may_leave_slots(ready_set::lot_index lot) {
    if (slots.parked() == 0) return -1;
    const queue_info& q = *lot_queue[lot];
    if (!q.open() || (q.rates && q.rates->queue_wait(now))) return -1;
    const auto top = slots.top(lot);
    return top ? *top : -1;
  }
  bool may_serve(ready_set::lot_index lot) const {
    const queue_info& q = *lot_queue[lot];
    if (!q.open() || (q.rates && q.rates->queue_wait(now))) return false;
    const std::size_t parked = (slots.parked() == 0 ? 0 : slots.parked(ready.queue_of(lot))) +
                               (q.rates ? q.rates->parked() : 0);
    return parked == 0 ||
           (parked < parked_max && bodies.bytes() < context->settings.body_bytes_max);
  }
};

}  // namespace cascade
