// triggers/slot_set.hpp
//
// How many tasks run at a time: of a concurrency_key in its queue, of a job, of a workflow. And the
// ready tasks that wait for one of them to end.
//
// Owner    exactly one actor; not thread-safe.
// Exact    a task takes all its slots before it starts, or none, and gives them back when it has
//          ended: never more than a limit, not for a moment. A lower limit stops nothing that runs.
// Waiting  tasks of a queue that need the same slots are one group; it watches one slot that is
//          full. When that is free and another one is not, it goes on watching that one. So nothing
//          is held while something else is waited for, and there is no deadlock. The price: a group
//          that needs several may be overtaken by those that need one of them.
// Order    highest priority first, then first come first served; within a group, and over the groups
//          of a lot that may start. With round_robin, groups of a queue take turns.
// Names    a slot that nobody holds and nobody waits for is forgotten at once, its limit is not.
// Cost     O(log n) in the groups and in the tasks of the group, for each slot; remove, find and
//          reprioritize O(all that wait).
// Limits   the owner's: `parked` says how many wait, triggers/slot_rest.hpp keeps those that are too
//          many. About 500 bytes a group, 48 a task.
// Tests    tests/property/slot_set_test.cpp
#pragma once

#include <array>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/delay_set.hpp"
#include "triggers/priority_changes.hpp"

namespace cascade {

// What becomes of a task whose key has no free slot (cascade.queue.when_full).
enum class when_full : std::uint8_t { wait, cancel_newest, cancel_running, round_robin };
inline constexpr std::array<std::string_view, 4> when_full_names{"wait", "cancel_newest",
                                                                 "cancel_running", "round_robin"};

enum class slot_kind : std::uint8_t { key, job, workflow };
struct slot_name {
  slot_kind kind = slot_kind::key;
  std::string queue;  // of a key
  std::string name;

  auto operator<=>(const slot_name&) const = default;
};
using slot_names = std::vector<slot_name>;  // none twice

class slot_set {
public:
  using lot_index = ready_set::lot_index;

  // Of a job or a workflow; 0: none, tasks that start from now on need no slot of it.
  void set_limit(const slot_name& name, int most);
  // Of each key in a queue; 1 unless it was set.
  void set_key_limit(const std::string& queue, int most);
  void set_round_robin(const std::string& queue, bool yes);
  // 0: none.
  int limit(const slot_name& name) const;
  bool limited(slot_kind kind) const { return kinds_[static_cast<std::size_t>(kind)] > 0; }

  // Takes them all; false when one is not free, or somebody who could start waits for it: park the
  // task.
  bool take(const slot_names& needs);
  // Whether take() would.
  bool available(const slot_names& needs) const;
  // The task runs already: it has its slot, whatever the limit is now.
  void hold(const slot_name& name);
  void give_back(const slot_names& held);
  void park(const std::string& queue, slot_names needs, const delayed_key& task);

  // The priority of the task of the lot that would start next; nothing when none may.
  std::optional<std::uint8_t> top(lot_index lot);
  struct started {
    slot_names held;
    delayed_key what;
  };
  // That task; its slots are taken. Requires top(lot).
  started pop(lot_index lot);

  int held(const slot_name& name) const;
  // Where a waiting task stands, and for what.
  struct waiting {
    slot_names needs;
    delayed_key task;
    std::size_t before = 0;  // of its group
  };
  std::optional<waiting> find(task_id id) const;
  // How many wait for exactly these slots and are at least as urgent. O(those that wait for them).
  std::size_t waiting_at(const std::string& queue, const slot_names& needs,
                         std::uint8_t priority) const;
  // Takes a waiting task out, if it is here.
  std::optional<delayed_key> remove(task_id id);
  // Takes out all of a job.
  std::vector<delayed_key> remove(job_id job);
  // Those that wait and need it, in no order.
  std::vector<delayed_key> waiting_for(const slot_name& name) const;
  // Moves what gets another priority there, behind those already there.
  void reprioritize(const priority_changes& changes);

  std::size_t parked() const noexcept { return parked_; }
  std::size_t parked(const std::string& queue) const;
  std::size_t names() const noexcept { return slots_.size(); }

private:
  struct waiting_task {
    delayed_key what;
    std::uint64_t number;

    bool operator<(const waiting_task& other) const noexcept {  // the top of the heap is the first
      if (what.key.priority != other.what.key.priority)
        return what.key.priority < other.what.key.priority;
      return number > other.number;
    }
  };
  struct slot;
  struct group {
    slot_names needs;
    std::string queue;
    std::vector<waiting_task> heap;
    slot* at = nullptr;  // watched
    std::uint64_t turn = 0;
    bool round_robin = false;

    lot_index lot() const { return heap.front().what.lot; }
  };
  struct ranked {  // comes first: starts first
    int urgency;
    std::uint64_t number;
    group* of;
    auto operator<=>(const ranked&) const = default;
  };
  struct slot {
    int held = 0;
    int most = 1;
    std::map<lot_index, std::set<ranked>> watchers;

    bool free() const { return held < most; }
  };
  using groups = std::map<std::pair<std::string, slot_names>, group>;  // nodes stay where they are

  static ranked rank(group& g);
  slot& slot_of(const slot_name& name);
  slot* full_one(const slot_names& needs);
  // The open set has the first watcher of each free slot, by lot: out before a change, and in again.
  void show(slot& s, bool in);
  template <class F>
  void change(slot& s, F&& fn) {
    show(s, false);
    fn(s);
    show(s, true);
  }
  void forget(const slot_name& name);
  void watch(group& g, slot& s);
  void unwatch(group& g);
  // Changes who waits in a group; an empty one goes.
  template <class F>
  void change(groups::iterator at, F&& fn);

  std::map<slot_name, int> limits_;
  std::map<std::string, int> key_limits_;
  std::set<std::string> round_robin_;
  std::size_t kinds_[3] = {};  // limits of a kind
  std::map<slot_name, slot> slots_;
  groups groups_;
  std::map<lot_index, std::set<ranked>> open_;
  std::map<std::string, std::size_t> parked_in_;
  std::size_t parked_ = 0;
  std::uint64_t numbers_ = 0;
};

}  // namespace cascade
