// actors/priority_writes.hpp
//
// What the propagator still has to write, in pieces that keep nobody waiting: slices of the plan, then
// the tasks of jobs, which are asked for a page at a time. No actor in sight.
//
// Order    one settlement at a time. Newer slices may go between the pieces of a job; what they change
//          is left out of it, and their changes stay until the job is done: what is found after a
//          crash leads to the same end.
// Busy     a row that somebody else is changing is tried again a little later.
#pragma once

#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "actors/messages.hpp"
#include "triggers/priority_plan.hpp"

namespace cascade {

class priority_writes {
public:
  // A slice counts in memory, and has raised others there.
  void add(priority_slice&& slice, const std::vector<task_priority>& raised);

  // The rows of a slice go before anything else.
  bool slice_left() const noexcept {
    return !tasks_.empty() || !jobs_.empty() || !changes_.empty();
  }
  // Tasks of jobs. Requires: no slice is left.
  bool jobs_left(monotonic now) const {
    return !groups_.empty() && groups_.front().not_before <= now;
  }
  std::size_t job_groups() const noexcept { return groups_.size(); }
  bool retries_left(monotonic now) const { return !retries_.empty() && retry_at_ <= now; }
  std::optional<monotonic> next() const;  // when something is to be tried again

  // Which tasks to ask for before jobs can go on; none: they can.
  struct listing {
    std::vector<job_priority> jobs;
    std::size_t rows = 0;  // at most
  };
  std::optional<listing> list() const;
  void listed(std::vector<task_priority>&& tasks, bool all);

  // The next piece of a slice, of jobs, or of what is tried again: at most `rows` tasks.
  settlement slice_piece(std::size_t rows);
  settlement job_piece(std::size_t rows);
  settlement retry_piece(std::size_t rows);
  // It is committed.
  void written(const recorded& r, monotonic now);

  // What the task is going to have, though its row does not say so yet.
  std::optional<std::uint8_t> coming(task_id task, job_id job) const;

private:
  struct group {
    std::vector<job_priority> jobs;
    std::deque<task_priority> tasks;
    std::unordered_set<task_id> skip;  // changed later
    std::vector<applied_change> changes;
    bool all_listed = false;
    monotonic not_before;
  };
  struct retry {
    task_priority what;
    std::vector<std::int64_t> changes;
  };
  enum class piece : std::uint8_t { none, slice, job, again };

  void begin_group(const priority_slice& slice);
  void put(settlement& s, const task_priority& t);

  std::vector<job_priority> jobs_;
  std::deque<task_priority> tasks_;
  std::vector<applied_change> changes_;
  std::deque<group> groups_;
  std::unordered_map<task_id, retry> retries_;
  monotonic retry_at_;
  piece under_way_ = piece::none;
  std::unordered_map<task_id, task_priority> in_flight_;
};

}  // namespace cascade
