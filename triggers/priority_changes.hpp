// triggers/priority_changes.hpp
//
// New priorities of many tasks and jobs at once, so that what is ready is gone through once for all
// of them.
//
// Order    a task's own new priority counts more than that of its job: changes of a job are older
//          than those of its tasks that come with them (triggers/priority_plan.hpp).
// Cost     of: O(log n). touches and whole: O(log n), for a range of tasks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "state/ids.hpp"

namespace cascade {

struct task_priority {
  task_id task;
  job_id job;  // of the task; none: it stands alone
  std::uint8_t priority = 0;

  bool operator==(const task_priority&) const = default;
};
struct job_priority {
  job_id job;
  std::uint8_t priority = 0;

  bool operator==(const job_priority&) const = default;
};

class priority_changes {
public:
  // Of several for the same task or job the last one counts.
  priority_changes(std::vector<task_priority> tasks, std::vector<job_priority> jobs)
      : tasks_(std::move(tasks)), jobs_(std::move(jobs)) {
    keep_last(tasks_, &task_priority::task);
    keep_last(jobs_, &job_priority::job);
  }

  const std::vector<task_priority>& tasks() const noexcept { return tasks_; }  // by id
  const std::vector<job_priority>& jobs() const noexcept { return jobs_; }
  bool empty() const noexcept { return tasks_.empty() && jobs_.empty(); }

  // What the task is to have; nothing: what it has.
  std::optional<std::uint8_t> of(task_id task, job_id job) const {
    if (const auto* t = find(tasks_, &task_priority::task, task)) return t->priority;
    if (const auto* j = job ? find(jobs_, &job_priority::job, job) : nullptr) return j->priority;
    return std::nullopt;
  }

  struct range {
    task_id task_min, task_max;
    job_id job_min, job_max;
  };
  // Whether any task with an id and a job within these may be changed.
  bool touches(const range& r) const {
    return within(tasks_, &task_priority::task, r.task_min, r.task_max) ||
           within(jobs_, &job_priority::job, r.job_min, r.job_max);
  }
  // What all of them are to have, when it is clear that it is the same.
  std::optional<std::uint8_t> whole(const range& r) const {
    if (!r.job_min || r.job_min != r.job_max) return std::nullopt;
    if (within(tasks_, &task_priority::task, r.task_min, r.task_max)) return std::nullopt;
    const auto* j = find(jobs_, &job_priority::job, r.job_min);
    return j != nullptr ? std::optional(j->priority) : std::nullopt;
  }

private:
  template <class T, class Id>
  static void keep_last(std::vector<T>& all, Id T::*id) {
    std::ranges::stable_sort(all, {}, id);
    const auto last = std::unique(all.rbegin(), all.rend(),
                                  [id](const T& a, const T& b) { return a.*id == b.*id; });
    all.erase(all.begin(), last.base());
  }
  template <class T, class Id>
  static const T* find(const std::vector<T>& all, Id T::*id, Id which) {
    const auto at = std::ranges::lower_bound(all, which, {}, id);
    return at != all.end() && (*at).*id == which ? &*at : nullptr;
  }
  template <class T, class Id>
  static bool within(const std::vector<T>& all, Id T::*id, Id min, Id max) {
    const auto at = std::ranges::lower_bound(all, min, {}, id);
    return at != all.end() && (*at).*id <= max;
  }

  std::vector<task_priority> tasks_;
  std::vector<job_priority> jobs_;
};

}  // namespace cascade
