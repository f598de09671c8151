// actors/job_impl.hpp
//
// The state of a job actor and the parts of its behaviour; private to the files job*.cpp.
#pragma once

#include "actors/job.hpp"
#include "actors/job_steps.hpp"

namespace cascade {

using job_impl = job_actor::extend<caf::reacts_to<job_loaded>, caf::reacts_to<job_retry>>;

enum class phase { loading, inserting, running, ending, over };

struct submission;

// What follows when the settlement with this ticket is committed.
struct after_record {
  released_steps released;
  std::vector<submission> slices;  // the other items of a fan-out: in any order, on any connection
  std::optional<decisions> rest;   // of a fresh job: what had to wait for the ids
  std::size_t settled = 0;
  std::vector<task_id> stopped;  // cancelled ones the scheduler must forget
  bool ends = false;
};

struct submission {
  settlement rows;
  after_record then;
};

inline constexpr std::chrono::milliseconds backoff_first{50};

struct job_data {
  static inline const char* name = "cascade.job";
  engine_context_ptr context;
  job_links links;
  job_start begin;
  phase now = phase::loading;
  job_arrival row;
  std::shared_ptr<const workflow_plan> plan;
  std::unique_ptr<job_graph> graph;
  std::unique_ptr<job_steps> steps;
  std::map<std::uint64_t, after_record> pending;
  std::uint64_t ticket = 0;
  std::optional<job_end> end;  // decided, not accepted by the database yet
  bool end_in_flight = false;
  std::vector<completed_attempt> early;         // before the graph was there
  std::vector<command_arrival> early_commands;  // wait for the graph, or for the answer to the end
  std::vector<std::pair<reprioritize_job, caf::typed_response_promise<reprioritized>>>
      early_priorities;    // wait until the ids of all rows are known
  std::size_t obeyed = 0;  // commands
  std::uint64_t retry = 0;
  std::chrono::milliseconds backoff = backoff_first;
};
using job_self = job_impl::stateful_pointer<job_data>;

// job.cpp
void submit(job_self self, settlement&& s, after_record&& then);
void arm_retry(job_self self);
void try_end(job_self self);
// Whatever happens, the job must not hang: it ends as failed, with the reason.
void fail_job(job_self self, const std::string& why);
// Carries decisions into `s`; the graph may have ended the job with them.
void carry(job_self self, decisions&& made, settlement& s, after_record& then);
// `quick`: nothing else is being written of these attempts.
void settle(job_self self, std::vector<completed_attempt>&& attempts, bool quick = false);

template <class F>
void guarded(job_self self, F&& f) {
  try {
    f();
  } catch (const std::exception& e) {
    fail_job(self, std::string("internal error: ") + e.what());
  }
}

// job_load.cpp: from its row to its graph.
void read_rows(job_self self);
void get_plan(job_self self);
void begin(job_self self, job_arrival&& row);
void loaded(job_self self, job_loaded& l);

// job_commands.cpp: what others want of it.
void obey(job_self self, command_arrival&& c);
// Those that came while the graph was not there yet, or while the job was about to end.
void idle_commands(job_self self);
void idle(job_self self);

// job_priorities.cpp: new priorities, answered at once or when the rows that are being inserted are
// known.
caf::result<reprioritized> reprioritize_steps(job_self self, reprioritize_job& r);
void idle_priorities(job_self self);

}  // namespace cascade
