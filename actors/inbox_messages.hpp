// actors/inbox_messages.hpp
//
// What the inbox reads and tells the scheduler, and changes of priority.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/rows.hpp"
#include "state/errc.hpp"
#include "triggers/database_clock.hpp"

namespace cascade {

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

// -- priorities ----------------------------------------------------------------------------------

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

}  // namespace cascade
