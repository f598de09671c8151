// triggers/delay_set.hpp
//
// Tasks that wait for time: compact keys on a timer wheel, found by id.
//
// Owner    exactly one actor; not thread-safe; never reads a clock.
// Units    times of the database; ticks of 100 us inside. A key comes out less than a tick late and
//          never early.
// Steps    when the time that is passed goes back by more than a second, everything is armed anew.
// Lead     an owner that has to prepare something gives a lead. take_due tells it of each key once, one to two
//          leads before its time: those of a span of that length together. Not of one that has a body.
// Cost     put, cancel and take_due O(1) a key; for_each O(size()).
// Limits   about 100 bytes a key; the owner bounds their number.
// Restart  a cache of rows that are waiting; built anew from them.
#pragma once

#include <chrono>
#include <optional>
#include <unordered_set>
#include <utility>

#include "state/instant.hpp"
#include "triggers/ready_set.hpp"
#include "triggers/timer_wheel.hpp"

namespace cascade {

struct delayed_key {
  ready_key key;
  ready_set::lot_index lot = 0;
  std::uint32_t early = 0;  // the set's own: ticks from when its owner is told of it to its time
};

class delay_set {
public:
  using time_point = instant;

  explicit delay_set(std::chrono::microseconds lead = {}) : lead_(ticks_down(lead, tick)) {}

  // Arms a key; one with the same id is replaced, and returned.
  std::optional<delayed_key> put(const delayed_key& what, time_point due);
  // Takes a key out before its time; nothing when it is not here.
  std::optional<delayed_key> cancel(task_id id);
  // All of a job; calls fn(const delayed_key&) for each. O(size).
  template <class F>
  void cancel(job_id job, F&& fn) {
    std::erase_if(entries_, [&](const entry& e) {
      if (e.what.key.job != job) return false;
      fn(std::as_const(e.what));
      return true;
    });
  }
  // A key and its time, rounded up to a tick; nothing when it is not here.
  std::optional<std::pair<delayed_key, time_point>> find(task_id id) const;

  // Calls fn(const delayed_key&) for every key that is due, in the order of their times, and
  // soon(const delayed_key&) for those that will be.
  template <class F, class Soon>
  void take_due(time_point now, F&& fn, Soon&& soon) {
    if (now < last_ - std::chrono::seconds(1)) set_back();
    last_ = now;
    const auto present = ticks_down(now.time_since_epoch(), tick);
    wheel_->advance(present, [&](timer_node& n) {
      auto& due = static_cast<entry&>(n);
      if (const auto early = std::exchange(due.what.early, 0)) {
        const auto at = due.due() + early;
        wheel_->schedule(due, at);
        if (at > present) soon(std::as_const(due.what));
        return;
      }
      const delayed_key what = due.what;
      entries_.erase(due);
      fn(what);
    });
  }
  template <class F>
  void take_due(time_point now, F&& fn) {
    take_due(now, fn, [](const delayed_key&) {});
  }
  // Calls fn(delayed_key&), which may change anything but the id.
  template <class F>
  void for_each(F&& fn) {
    for (const entry& e : entries_) fn(e.what);
  }
  template <class F>
  void for_each(F&& fn) const {
    for (const entry& e : entries_) fn(std::as_const(e.what));
  }
  // Changes the key of one task; false when it is not here.
  template <class F>
  bool change(task_id id, F&& fn) {
    const auto at = entries_.find(id);
    if (at == entries_.end()) return false;
    fn(at->what);
    return true;
  }

  // When take_due should be called next; at times too early, never too late.
  std::optional<time_point> next() const;
  std::size_t size() const noexcept { return entries_.size(); }

private:
  static constexpr std::chrono::microseconds tick{100};

  void set_back();

  struct entry : timer_node {
    explicit entry(const delayed_key& w) : what(w) {}
    mutable delayed_key what;  // hashed by its id only, which never changes
  };
  struct by_id {
    using is_transparent = void;
    static task_id id(task_id i) { return i; }
    static task_id id(const entry& e) { return e.what.key.id; }
    std::size_t operator()(const auto& x) const { return std::hash<task_id>{}(id(x)); }
    bool operator()(const auto& a, const auto& b) const { return id(a) == id(b); }
  };

  std::uint64_t lead_;  // ticks
  time_point last_{};
  std::optional<timer_wheel> wheel_ =
      std::optional<timer_wheel>(std::in_place);  // outlives its entries
  std::unordered_set<entry, by_id, by_id> entries_;
};

}  // namespace cascade
