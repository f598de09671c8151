// actors/cached_rows.hpp
//
// What the cache keeps of tasks and jobs, and how it follows what was committed: the conditions are
// those of the statements in sql/queries, on values that are exact. Pure.
//
// Order     what is loose may be committed before or after a command about the same task, whoever tells
//           of it first. So of both the entry goes, and what follows in it is in one order: that of the
//           first writer's batches.
// Complete  a new member of `settlement` or kind of `single_write` does not compile before it is
//           dealt with in the source.
// Tests     tests/db/cache_rows_dbtest.cpp compares with the rows after every step.
#pragma once

#include <string>

#include "actors/row_watcher.hpp"
#include "triggers/fenced_cache.hpp"

namespace cascade {

struct task_info {
  job_id job;
  task_state state = task_state::pending;
  std::optional<waiting_reason> reason;
  int priority = 0;
  int attempt = 0;
  int attempts_max = 1;
  std::string queue;
  std::string handler;
  std::string step;

  bool operator==(const task_info&) const = default;
  std::size_t bytes() const noexcept {
    return sizeof(task_info) + queue.size() + handler.size() + step.size();
  }
};

struct job_info {
  job_state state = job_state::pending;
  int priority = 0;
  int version = 0;
  bool keep_open = false;
  std::string workflow;  // empty: a container

  bool operator==(const job_info&) const = default;
  std::size_t bytes() const noexcept { return sizeof(job_info) + workflow.size(); }
};

using task_cache = fenced_cache<task_id, task_info>;
using job_cache = fenced_cache<job_id, job_info>;

void write_through(task_cache& tasks, job_cache& jobs, const batch_committed& batch);

}  // namespace cascade
