// triggers/priority_plan.hpp
//
// Which changes of priority are applied, and when. A change waits the longer the less urgent the new
// priority is, so that what changes again and again is written once.
//
//   high      at once
//   medium    when it did not change for a while, and not later than some time after the first change
//   low       the same, longer
//
// Owner    exactly one actor; not thread-safe; never reads a clock.
// Latest   of a task or job only the latest wish is kept; it decides when its time comes. What has no
//          effect (replaced, or the task has that priority already) is void: its row may go.
// Order    a change is not applied before older ones of the same job: it takes those along. What is
//          taken together is to be applied in its order; jobs first.
// Restart  a cache of rows; built anew from them. What waited since before waits only for the rest.
// Cost     add and take: O(log n) a change, and O(tasks of the job that wait) for a change of a job.
// Limits   about 300 bytes a target. When settings.waiting_max wait, nothing waits any longer.
// Tests    tests/property/priority_plan_test.cpp
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <unordered_map>

#include "triggers/priority_changes.hpp"
#include "triggers/priority_wish.hpp"
#include "triggers/timer_wheel.hpp"

namespace cascade {

enum class priority_tier : std::uint8_t { high, medium, low };

struct propagation_settings {
  int medium_from = 30;
  int high_from = 70;
  std::chrono::milliseconds medium_quiet{5'000}, medium_most{10'000};
  std::chrono::milliseconds low_quiet{30'000}, low_most{60'000};
  std::chrono::milliseconds poll{30'000};  // for changes that nobody told of
  std::size_t waiting_max = 100'000;

  priority_tier tier_of(int priority) const noexcept {
    return priority >= high_from     ? priority_tier::high
           : priority >= medium_from ? priority_tier::medium
                                     : priority_tier::low;
  }
};

// A row of cascade.priority_change.
struct priority_change {
  std::int64_t id = 0;
  task_id task;  // none: all of the job
  job_id job;
  std::uint8_t priority = 0;
  bool at_least = false;            // of a task: raises only
  std::optional<std::uint8_t> now;  // what the task has; none: it has finished
  std::chrono::milliseconds age{};
};

// What is to be applied together.
struct priority_slice {
  std::vector<job_priority> jobs;
  std::vector<task_priority> tasks;
  // Changes that are done with it, each with its task, or the job when it is about a job.
  struct done {
    std::int64_t change = 0;
    task_id task;
    job_id job;
  };
  std::vector<done> changes;

  std::size_t rows() const noexcept { return jobs.size() + tasks.size(); }
};

class priority_plan {
public:
  using time_point = std::chrono::steady_clock::time_point;

  priority_plan(const propagation_settings& settings, time_point start)
      : settings_(settings), start_(start) {}

  // A change that was read; c.now with everything that was taken before.
  void add(const priority_change& c, time_point now);
  // What time does.
  void advance(time_point now);
  // The next ones to be applied, the most urgent first: at most `rows`.
  priority_slice take(std::size_t rows);
  // Changes without effect, at most `most`.
  std::vector<std::int64_t> take_void(std::size_t most);
  // A task has got another priority otherwise: as one of a job, or through a step behind it.
  void note(task_id task, std::uint8_t priority);

  bool due() const noexcept { return !due_.empty(); }
  std::size_t due_size() const noexcept { return due_.size(); }
  bool any_void() const noexcept { return !void_.empty(); }
  std::optional<time_point> next() const;  // when advance should be called; at times too early
  // Everything that waits or is due.
  std::size_t size() const noexcept { return tasks_.size() + jobs_.size(); }
  std::size_t waiting(priority_tier t) const { return waiting_[static_cast<std::size_t>(t)]; }

  struct counts {
    std::uint64_t received = 0;
    std::uint64_t coalesced = 0;  // replaced by a later one before its time came
    std::uint64_t unchanged = 0;  // the task has that priority already, or has finished
  };
  const counts& counted() const noexcept { return counts_; }
  void count_on(const counts& from) noexcept { counts_ = from; }

private:
  static constexpr std::chrono::milliseconds tick{1};

  struct entry : timer_node {
    task_id task;
    job_id job;
    priority_wish wish;
    std::uint8_t now = 0;
    time_point first;
    std::optional<priority_tier> waits;  // counted as such
    std::optional<priority_tier> due;    // with the rank of who took it along
    std::int64_t at = 0;                 // its place in due_ and in its family
  };
  using place = std::pair<priority_tier, std::int64_t>;
  using family = std::map<std::int64_t, entry*>;  // of a job, by the last change

  void add_task(const priority_change& c, time_point at);
  void add_job(const priority_change& c, time_point at);
  void arm(entry& e, time_point at);
  void make_due(entry& e, priority_tier rank);
  void set_due(entry& e, priority_tier rank);
  void leave(entry& e);
  void forget(entry& e);
  void count_waiting(entry& e, std::optional<priority_tier> as);
  bool job_waits(job_id job) const { return job && jobs_.contains(job); }

  propagation_settings settings_;
  time_point start_;
  time_point last_{};
  timer_wheel wheel_;  // outlives the entries
  std::unordered_map<task_id, entry> tasks_;
  std::unordered_map<job_id, entry> jobs_;
  std::unordered_map<job_id, family> families_;
  std::map<place, entry*> due_;
  std::deque<std::int64_t> void_;
  std::array<std::size_t, 3> waiting_{};
  counts counts_;
  bool crowded_ = false;
};

}  // namespace cascade
