// actors/scheduler_impl.hpp
//
// Shared by the scheduler's own files only: the actor type and what they call of each other.
#pragma once

#include "actors/scheduler.hpp"
#include "actors/scheduler_state.hpp"

namespace cascade {

using scheduler_impl =
    scheduler_actor::extend<caf::reacts_to<scheduler_wake>, caf::reacts_to<queues_loaded>,
                            caf::reacts_to<drain_over>>;
using scheduler_self = scheduler_impl::stateful_pointer<scheduler_data>;

inline constexpr std::uint8_t flag_careful = 1;

// scheduler_dispatch.cpp: from rows to running.
void accept(scheduler_self self, arrival&& a, settlement& out);
void dispatch(scheduler_self self);
void bodies_arrived(scheduler_self self, bodies_fetched& b);
void wake_up(scheduler_self self);
void arm_wake(scheduler_self self);

// scheduler_outcomes.cpp: from outcomes to settlements.
void take_outcomes(scheduler_self self, tasks_done& done, bool slots);
void committed(scheduler_self self, const recorded& r);
void submit(scheduler_self self, settlement&& s, after_commit&& then);

// scheduler_jobs.cpp: jobs and commands.
job_info_entry& job_entry(scheduler_self self, job_id id, const job_arrival* known, bool fresh);
void attach_job(scheduler_self self, const job_attached& a);
void settle_steps(scheduler_self self, job_id job, std::vector<completed_attempt>&& attempts);
void close_tasks(scheduler_self self, job_id job, std::size_t count);
void job_over(scheduler_self self, const job_ended& end);
void void_job_tasks(scheduler_self self, job_id job);
// Stops a task, cancels its delay or voids its ready key; false when the key is still about.
bool void_task(scheduler_self self, task_id task, job_id job);
void apply(scheduler_self self, command_arrival&& c);
void load_queues(scheduler_self self);

}  // namespace cascade
