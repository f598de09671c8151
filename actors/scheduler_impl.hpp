// actors/scheduler_impl.hpp
//
// Shared by the scheduler's own files only: the actor type and what they call of each other.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "actors/scheduler.hpp"
#include "actors/scheduler_state.hpp"
#include "state/task_verdict.hpp"

namespace cascade {

// To the scheduler itself: what the rows say about the task of a question. Never leaves the node.
struct rows_explained {
  std::uint64_t question = 0;
  std::string json;     // of cascade.why_task; empty: they could not be read
  bool absent = false;  // there is no such task
};

}  // namespace cascade

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::rows_explained)

namespace cascade {

using scheduler_impl =
    scheduler_actor::extend<caf::reacts_to<scheduler_wake>, caf::reacts_to<queues_loaded>,
                            caf::reacts_to<drain_over>, caf::reacts_to<rows_explained>>;
using scheduler_self = scheduler_impl::stateful_pointer<scheduler_data>;

using fetched_rows = std::unordered_map<task_id, arrival*>;

inline constexpr int looks_max = 64;  // scheduler_data::looks_left: a few milliseconds
inline constexpr std::chrono::seconds wake_within{60};
inline constexpr std::chrono::seconds queues_again{1};
inline constexpr std::chrono::seconds interrupt_within{7};  // the grace of a command and some

// scheduler_dispatch.cpp: from rows to running.
// `loading`: a page of the first load brings it.
void accept(scheduler_self self, arrival&& a, settlement& out, bool backlog = false,
            bool loading = false);
void dispatch(scheduler_self self);
void wake_up(scheduler_self self);
void arm_wake(scheduler_self self);

// scheduler_time.cpp: what time does.
instant database_now(scheduler_self self);
// Arms what must have started by a time.
void limit_start(scheduler_self self, const arrival& a, const delayed_key& key);
void limit_job(scheduler_self self, const job_attached& a);
// Everything that is due by now.
void take_due(scheduler_self self);
// When something is due next.
std::optional<monotonic> next_due(scheduler_self self);

// scheduler_delays.cpp: tasks that wait for their time.
void delay(scheduler_self self, const delayed_key& what, instant due);
// False when it is not delayed.
bool cancel_delay(scheduler_self self, task_id task);
// Before they are due: the rows of as many as there is room for.
void fetch_delayed(scheduler_self self, std::vector<std::int64_t> ids);
// What came of that; false: it was another reload.
bool take_delayed(scheduler_self self, std::uint64_t reload, bool ok, fetched_rows& rows);

// scheduler_rates.cpp: how often tasks start.
void set_queue(scheduler_self self, const queue_settings& row);
// Whether the task has to wait for its turn; it is parked then. Else its turn is taken.
bool wait_for_turn(scheduler_self self, ready_set::lot_index lot, ready_key& key);
// The next task of class `c` whose turn has come.
std::optional<delayed_key> next_turn(scheduler_self self, handler_class c);

// scheduler_slots.cpp: how many run at a time.
// Whether the task has to wait for one of its slots; it is parked then, or gone. Else it holds them.
bool wait_for_slot(scheduler_self self, ready_set::lot_index lot, ready_key& key);
// Parks a new task whose queue serves its keys in turn; false: it is of another kind.
bool park_in_turn(scheduler_self self, ready_set::lot_index lot, ready_key& key, arrival& a);
// The next task of the lot that waited for slots and has them now; none: it may not start after all.
// Requires may_leave_slots(lot).
std::optional<ready_key> next_slot(scheduler_self self, ready_set::lot_index lot);
// Of the job, and of its workflow, as far as they have limits.
slot_names needs_of_job(const scheduler_data& s, job_id job);
// A task that holds slots does not start after all.
void let_go(scheduler_self self, task_id id);
// Of a job or a workflow; 0: none. What runs already counts.
void limit_slot(scheduler_self self, const slot_name& name, int most);
void limit_slot_of(scheduler_self self, job_id job, int most);
// What runs of it holds the slots that it should.
void count_running(scheduler_self self, const slot_name& name);
// A task that runs already.
void occupy(scheduler_self self, running_task& t, const std::string& concurrency_key);
// It has ended.
void leave(scheduler_self self, const running_task& t);
// It is told to stop, and ends when the pool says so.
void leave_when_stopped(scheduler_self self, task_id id, running_task&& t);

// scheduler_full.cpp: what a full key does to others (cascade.queue.when_full).
// Whether the task is gone. `name`: its key, which is full.
bool displace(scheduler_self self, ready_set::lot_index lot, const ready_key& key,
              const slot_name& name);

// scheduler_reload.cpp: between hot and cold, so that memory stays bounded.
// Reads the rows of unfinished tasks: rows_arrived, with the number of the reload that is returned.
std::uint64_t fetch_rows(scheduler_self self, const std::vector<std::int64_t>& ids);
// The lot to serve next; it has a hot key, or one that has waited elsewhere. While the most urgent one is fetched, nothing less
// urgent starts.
std::optional<ready_set::head> next_lot(scheduler_self self, handler_class c);
// Fetches rows before they are missed.
void fetch_ahead(scheduler_self self, handler_class c, ready_set::lot_index lot);
void rows_arrived(scheduler_self self, tasks_fetched& f);
// Reads under way on a lost connection never come back.
void abandon_reloads(scheduler_self self);
// Makes keys cold until the rest is within its limits; not those that have just been `fetched`.
void bound_memory(scheduler_self self, const std::vector<ready_set::reload>& fetched = {});
// Whether a task that needs slots of its job or workflow waits for them with its id only, behind
// others. Takes its body.
bool waits_behind(scheduler_self self, ready_set::lot_index lot, const ready_key& key,
                  const slot_names& needs);
// The same for one of which only the id is known: without fetching its row.
bool stays_behind(scheduler_self self, const ready_set::place& at, const cold_key& key);
// Of those, fetches the ones that are next.
void fetch_waiting(scheduler_self self);

// scheduler_keys.cpp: a task's key, wherever it is.
// Drops a key that is void; parks one whose job is paused. True when it may run.
bool usable(scheduler_self self, ready_set::lot_index lot, const ready_key& key);
bool drop_void(scheduler_self self, const ready_key& key);
// Takes out the key of a task that does not run, wherever it is; false when there is none.
bool take_out(scheduler_self self, task_id task, job_id job);
// A task that is over without having run: cancelled, or ended by somebody else.
void gone(scheduler_self self, task_id task, job_id job);
// A task that was cancelled will live again, or does: its old key may still be about, and the new one
// would be taken for it.
void drop_old_key(scheduler_self self, task_id task, job_id job);
// Those of a job that has ended, and lives again.
void forget_keys(scheduler_self self, job_id job);
void resume(scheduler_self self, job_info_entry& job);

// scheduler_priorities.cpp: new priorities.
caf::result<reprioritized> new_priorities(scheduler_self self, reprioritize& asked);
// The job's actor is there.
void send_priorities(scheduler_self self, job_info_entry& job);
// It never will be.
void drop_priorities(scheduler_self self, job_info_entry& job);
// What a row that was read may not say yet.
void correct_priority(scheduler_self self, arrival& a);
// Counts for what the pages of a backlog have brought.
void apply_late_priorities(scheduler_self self);

// scheduler_outcomes.cpp: from outcomes to settlements.
void take_outcomes(scheduler_self self, tasks_done& done, bool slots);
// What a task says about itself is written, and that it runs.
void progress(scheduler_self self, const task_beat& b);
void committed(scheduler_self self, const recorded& r);
void submit(scheduler_self self, settlement&& s, after_commit&& then);
// Something was committed that only the inbox can bring.
void look_for_work(scheduler_self self);

// scheduler_why.cpp: why a task is not running, as far as memory tells. Pure.
// A link of the chain in the form of cascade.why_task; null: the task is not in memory.
nlohmann::json why_in_memory(const scheduler_data& s, task_id id, monotonic now);
// The same chain, with what memory knows better.
nlohmann::json why_now(const scheduler_data& s, const nlohmann::json& rows, monotonic now);
// What does not run, counted by queue and reason.
std::map<std::pair<std::string, task_verdict>, std::size_t> waiting_now(const scheduler_data& s,
                                                                        monotonic now);

// scheduler_console.cpp: questions from the console.
// A line for each link.
std::string why_text(const nlohmann::json& link, std::size_t indent = 0);
caf::result<console_answer> answer(scheduler_self self, const console_query& q);
void explain(scheduler_self self, const rows_explained& rows);

// scheduler_settings.cpp: what is read of queues and workflows.
void load_queues(scheduler_self self);
void set_queues(scheduler_self self, const queues_loaded& rows);

// scheduler_jobs.cpp: jobs and commands.
// By way of its actor: what time or a limit does to a job, or to a step of it.
void tell_job(scheduler_self self, job_info_entry& job, const char* kind, const char* reason,
              job_id id, task_id task);
job_info_entry& job_entry(scheduler_self self, job_id id, const job_arrival* known, bool fresh);
void attach_job(scheduler_self self, const job_attached& a);
void settle_steps(scheduler_self self, job_id job, std::vector<completed_attempt>&& attempts,
                  bool quick);
void close_tasks(scheduler_self self, job_id job, std::size_t count);
// Its actor has recorded so many attempts.
void settled(scheduler_self self, job_id job, std::size_t attempts);
void job_over(scheduler_self self, const job_ended& end);
void void_job_tasks(scheduler_self self, job_id job);
// Stops a task, cancels its delay or voids its ready key; false when the key is still about.
bool void_task(scheduler_self self, task_id task, job_id job);
void apply(scheduler_self self, command_arrival&& c);

}  // namespace cascade
