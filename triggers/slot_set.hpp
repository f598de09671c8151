// triggers/slot_set.hpp
//
// How many tasks with the same concurrency_key run at a time, in one queue; and the ready tasks that
// wait for one of them to end.
//
// Owner    exactly one actor; not thread-safe.
// Exact    a slot is taken before a task starts and given back when it has ended: never more than
//          the limit, not for a moment. A lower limit stops nothing that runs.
// Order    highest priority first, then first come first served; within a key, and over the keys
//          that have a free slot.
// Keys     one that nobody holds and nobody waits for is forgotten at once.
// Cost     O(log n) in the keys and in the tasks that wait for the key; remove and reprioritize
//          O(all that wait).
// Limits   the owner's: `parked` says how many wait. About 200 bytes a key, 48 a task.
// Tests    tests/property/slot_set_test.cpp
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "triggers/delay_set.hpp"

namespace cascade {

class slot_set {
public:
  // For each key; at least 1.
  void set_limit(int most);
  int limit() const noexcept { return most_; }

  // Takes a slot; false when none is free, or somebody waits for it: park the task.
  bool take(const std::string& key);
  // The task runs already: it has its slot, whatever the limit is now.
  void hold(const std::string& key) {
    change(key, [](line& l) { ++l.held; });
  }
  void give_back(const std::string& key);
  void park(const std::string& key, const delayed_key& task, handler_class c);

  // The priority of the task of class `c` that would start next; nothing when none may.
  std::optional<std::uint8_t> top(handler_class c) const;
  struct started {
    std::string key;
    delayed_key what;
  };
  // That task; its slot is taken. Requires top(c).
  started pop(handler_class c);

  int held(const std::string& key) const;
  // Where a waiting task stands with its key. O(parked).
  struct waiting {
    std::string key;
    delayed_key task;
    std::size_t before = 0;
  };
  std::optional<waiting> find(task_id id) const;
  // Takes a waiting task out, if it is here; its body.
  std::optional<std::uint32_t> remove(task_id id);
  // Moves what matches to `priority`, behind those already there.
  void reprioritize(const key_match& which, std::uint8_t priority);

  std::size_t parked() const noexcept { return parked_; }
  std::size_t keys() const noexcept { return lines_.size(); }

private:
  struct waiting_task {
    delayed_key what;
    handler_class kind;
    std::uint64_t number;

    bool operator<(const waiting_task& other) const noexcept {  // the top of the heap is the first
      if (what.key.priority != other.what.key.priority)
        return what.key.priority < other.what.key.priority;
      return number > other.number;
    }
  };
  struct line {
    int held = 0;
    std::vector<waiting_task> heap;
  };
  using lines = std::unordered_map<std::string, line>;  // nodes stay where they are
  struct open_line {
    waiting_task first;
    const lines::value_type* of;

    bool operator<(const open_line& other) const noexcept { return other.first < first; }
  };

  bool open(const line& l) const { return l.held < most_ && !l.heap.empty(); }
  std::set<open_line>& open_set(const line& l) {
    return open_[static_cast<std::size_t>(l.heap.front().kind)];
  }
  // Every change of a line goes through here: the sets of open ones follow, an empty one goes.
  template <class F>
  void change(const std::string& key, F&& fn) {
    const auto at = lines_.try_emplace(key).first;
    line& l = at->second;
    if (open(l)) open_set(l).erase({l.heap.front(), &*at});
    fn(l);
    if (open(l)) open_set(l).insert({l.heap.front(), &*at});
    if (l.held == 0 && l.heap.empty()) lines_.erase(at);
  }
  void rebuild_open();

  int most_ = 1;
  lines lines_;
  std::array<std::set<open_line>, handler_class_count> open_;
  std::size_t parked_ = 0;
  std::uint64_t numbers_ = 0;
};

}  // namespace cascade
