// triggers/slot_rest.hpp
//
// Behind the first tasks that wait for slots of their job or workflow (triggers/slot_set.hpp): the
// others, of which only the ids are kept.
//
// Owner    exactly one actor; not thread-safe.
// Order    of a group: highest priority first, then first come first served.
// Fetch    the owner takes the next ones of a group with begin_fetch(), reads their rows, and puts
//          them into the slot_set in end_fetch(). Meanwhile they are still here.
// Cost     push O(log groups); a byte or two a task, 500 a group. remove, reprioritize and find look
//          at the bounds of every chunk (triggers/cold_run.hpp).
// Tests    tests/property/slot_rest_test.cpp
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "triggers/cold_run.hpp"
#include "triggers/slot_set.hpp"

namespace cascade {

class slot_rest {
public:
  static constexpr int looks_max = 16;

  struct group_name {
    std::string queue;
    slot_names needs;
    auto operator<=>(const group_name&) const = default;
  };

  void push(const group_name& name, ready_set::lot_index lot, std::uint8_t priority,
            const cold_key& key);
  // The priority of the first of them; nothing: there is none.
  std::optional<std::uint8_t> top(const group_name& name) const;

  // Groups that may need a fetch: those that changed, or whose owner said so, since they were taken.
  void look_at(const group_name& name);
  void look_at_all();
  bool changed() const noexcept { return !changed_.empty(); }
  std::set<group_name> take_changed() { return std::exchange(changed_, {}); }

  // The next ones, at most `count`; those that `keep(cold_key, lot, priority)` refuses leave, and it
  // may not change what is here. Empty while a fetch is under way, when none is left, or after
  // looks_max times `count` that were refused: the group has changed then.
  template <class Keep>
  std::vector<cold_key> begin_fetch(const group_name& name, std::size_t count, std::uint64_t ticket,
                                    Keep keep) {
    const auto at = groups_.find(name);
    if (at == groups_.end() || !at->second.fetching.empty()) return {};
    group& g = at->second;
    std::vector<cold_key> next;
    for (int look = 0; look < looks_max && next.empty() && !g.lines.empty(); ++look) {
      const auto line = g.lines.begin();
      g.fetched = line->first;
      next = line->second.take(count);
      if (line->second.empty()) g.lines.erase(line);
      count_out(name, std::erase_if(next, [&](const cold_key& k) {
                  return !keep(k, g.lot, static_cast<std::uint8_t>(g.fetched));
                }));
    }
    g.fetching = next;
    g.ticket = ticket;
    if (next.empty() && !g.lines.empty()) changed_.insert(name);
    if (next.empty() && g.lines.empty()) groups_.erase(at);
    return next;
  }
  // What came of them: fill(cold_key, priority) puts them elsewhere. One that comes later, and those
  // behind it, wait here again. Nothing when the fetch was given up meanwhile.
  template <class Fill>
  void end_fetch(const group_name& name, std::uint64_t ticket, Fill fill) {
    const auto at = groups_.find(name);
    if (at == groups_.end() || at->second.ticket != ticket) return;
    group& g = at->second;
    const auto keys = std::exchange(g.fetching, {});
    const auto priority = static_cast<std::uint8_t>(g.fetched);
    std::size_t n = 0;
    while (n < keys.size() && fill(keys[n], priority) != ready_line::fetched::later) ++n;
    if (n < keys.size()) g.lines[priority].push_front(std::span(keys).subspan(n));
    count_out(name, n);
    if (g.lines.empty()) return void(groups_.erase(at));
    changed_.insert(name);
  }
  // No answer comes to the fetches under way.
  void abandon_fetches();

  // Takes out what matches; how many.
  std::size_t remove(const key_match& which);
  // Moves what gets another priority there, behind those already there.
  void reprioritize(const priority_changes& changes);

  struct found {
    group_name name;
    ready_set::lot_index lot = 0;
    cold_key key;
    std::uint8_t priority = 0;
    std::size_t before = 0;  // of its group, here
  };
  std::optional<found> find(task_id id) const;

  std::size_t size() const noexcept { return size_; }
  std::size_t size(const std::string& queue) const;

private:
  struct group {
    ready_set::lot_index lot = 0;
    std::map<int, cold_run, std::greater<>> lines;  // by priority, none empty
    std::vector<cold_key> fetching;
    int fetched = 0;  // their priority
    std::uint64_t ticket = 0;
  };

  void count_out(const group_name& name, std::size_t n);

  std::map<group_name, group> groups_;  // none empty
  std::set<group_name> changed_;
  std::map<std::string, std::size_t> in_;
  std::size_t size_ = 0;
};

}  // namespace cascade
