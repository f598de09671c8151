// triggers/rate_set.hpp
//
// The limits of one queue on how often its tasks start, as a whole and for each rate_key, and the
// ready tasks that wait for their key's turn.
//
// Owner    exactly one actor; not thread-safe; never reads a clock.
// Order    of the tasks of one key: highest priority first, then first come first served.
// Keys     a key whose bucket is full and for which nothing waits is forgotten now and then.
// Start    a bucket is empty when the set is made: a restart never exceeds a limit.
// Cost     may_start, park, take_due: O(log n) in the tasks of the key, O(1) in the keys.
// Limits   the owner's: `parked` says how many wait. About 150 bytes a key, 48 a task.
// Source   triggers/rate_meter.hpp
// Tests    tests/property/rate_set_test.cpp
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "triggers/delay_set.hpp"
#include "triggers/rate_meter.hpp"

namespace cascade {

class rate_set {
public:
  using time_point = rate_meter::time_point;

  explicit rate_set(time_point start) : start_(start), wheel_(0) {}

  // Takes effect at once, for what waits too.
  void set_limits(const rate_limit& queue, const rate_limit& each, time_point now);
  bool limited() const noexcept { return queue_.limited() || each_.limited(); }
  bool keys_limited() const noexcept { return each_.limited(); }

  // When the queue as a whole allows a start; none: now.
  std::optional<time_point> queue_wait(time_point now) const;
  void take_queue(time_point now);

  // Whether a task with this key may start now; takes its turn if so. False: park it.
  bool take_key(const std::string& key, time_point now);
  void park(const std::string& key, const delayed_key& task);

  // Calls fn(const delayed_key&) for each parked task whose turn has come; its turn is taken.
  template <class F>
  void take_due(time_point now, F&& fn) {
    wheel_.advance(ticks_down(now - start_, tick),
                   [&](timer_node& n) { serve(static_cast<bucket&>(n), now, fn); });
  }
  // When take_due should be called next; at times too early, never too late.
  std::optional<time_point> next() const;

  // Where a parked task stands with its key, and when its turn comes if nothing more urgent does.
  // O(parked).
  struct turn {
    std::string key;
    delayed_key task;
    std::size_t before = 0;
    time_point at;
  };
  std::optional<turn> find(task_id id) const;
  const rate_limit& queue_limit() const noexcept { return queue_; }
  const rate_limit& key_limit() const noexcept { return each_; }

  std::size_t parked() const noexcept { return parked_; }
  std::size_t keys() const noexcept { return buckets_.size(); }
  // Takes a parked task out, if it is here; its body.
  std::optional<std::uint32_t> remove(task_id id);
  // Takes out all of a job.
  std::vector<delayed_key> remove(job_id job);
  // Moves what gets another priority there, behind those already there.
  void reprioritize(const priority_changes& changes);

private:
  static constexpr std::chrono::microseconds tick{100};

  struct waiting_task {
    delayed_key what;
    std::uint64_t number;

    bool operator<(const waiting_task& other) const noexcept {  // the top of the heap starts first
      if (what.key.priority != other.what.key.priority)
        return what.key.priority < other.what.key.priority;
      return number > other.number;
    }
  };
  struct bucket : timer_node {
    explicit bucket(const rate_meter& m) : meter(m) {}
    rate_meter meter;
    std::vector<waiting_task> heap;
  };

  template <class F>
  void serve(bucket& b, time_point now, F& fn) {
    while (!b.heap.empty() && (!each_.limited() || b.meter.next(each_) <= now)) {
      if (each_.limited()) b.meter.take(each_, now);
      std::pop_heap(b.heap.begin(), b.heap.end());
      const delayed_key what = b.heap.back().what;
      b.heap.pop_back();
      --parked_;
      fn(what);
    }
    if (!b.heap.empty()) arm(b);
  }
  void arm(bucket& b);
  bucket& bucket_of(const std::string& key, time_point now);
  void forget_full(time_point now);

  time_point start_;
  rate_limit queue_, each_;
  std::optional<rate_meter> whole_;
  timer_wheel wheel_;  // outlives the buckets
  std::unordered_map<std::string, bucket> buckets_;
  std::size_t sweep_at_ = 1'024;
  std::size_t parked_ = 0;
  std::uint64_t numbers_ = 0;
};

}  // namespace cascade
