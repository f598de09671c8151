// triggers/ready_set.hpp
//
// The tasks that may start now: highest priority first; of equal priority, queues take turns by
// their weights, and within a queue its tenants; of one tenant first come first served.
//
// Owner    exactly one actor; not thread-safe; never reads a clock: tell_time().
// Order    per lot (a queue and a class of handlers) a band for each priority
//          (triggers/ready_band.hpp) and a bitmap of those that are not empty. Over lots: the most
//          urgent band, then whose turn it is in that priority (triggers/fair_share.hpp).
// Ageing   if set, a band gains a point of priority for each `ageing` that it waits, from its last
//          pop or from when it became non-empty. Its first pop ends that.
// Cost     push and pop O(log tenants), O(1) without any; choosing over L lots O(L), with ageing
//          O(bands that are not empty); nothing depends on how many keys are cold
//          (triggers/ready_line.hpp), but for a change of priority, which looks at the bounds of
//          each chunk.
// Limits   the caller's: hot_size() keys of 32 bytes and their bodies, brought down with spill();
//          a byte or two for each of the others. About 1 kB a tenant; beyond 16,384 of them in
//          memory, further ones share 1,024 turns.
// Reload   the caller fetches rows: begin_reload() says which, end_reload() brings them.
// Removal  lazy: the owner checks a key against what it knows (cancelled, its job paused) when it
//          is popped or about to be reloaded.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "triggers/ready_lot.hpp"

namespace cascade {

class ready_set {
public:
  using lot_index = std::uint32_t;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::size_t tenant_lines_max = 16'384;

  struct place {
    lot_index lot = 0;
    std::uint8_t priority = 0;
    tenant_index tenant = 0;
    auto operator<=>(const place&) const = default;
  };
  struct reload {
    place from;
    std::uint64_t ticket = 0;
    std::vector<std::int64_t> ids;
  };
  // A lot and its band that is next.
  struct head {
    lot_index lot = 0;
    std::uint8_t priority = 0;
    std::uint8_t urgency = 0;  // the priority, and what age adds
    bool elsewhere = false;    // the next one is not in the set
  };

  // The lot of a queue and a handler class, made when absent.
  lot_index lot(const std::string& queue, handler_class c);
  const std::string& queue_of(lot_index lot) const { return lots_[lot]->queue; }
  handler_class class_of(lot_index lot) const { return lots_[lot]->kind; }

  void set_weights(lot_index lot, double weight, tenant_strides tenants);
  void set_ageing(std::chrono::milliseconds each) { ageing_ = each; }  // 0: none
  void tell_time(time_point now) { now_ = now; }

  // Where a task is, and how many of its line are before it. O(hot keys + cold chunks).
  struct standing {
    place at;
    job_id job;
    std::size_t before = 0;
  };
  std::optional<standing> find_task(task_id id) const;
  // How many start before it among the lots that `counts` allows: those that are more urgent, and
  // of equal ones as many as take their turns first. As if nobody aged. O(lots * priorities +
  // tenants).
  template <class Predicate>
  std::size_t ahead_of(const standing& task, Predicate counts) const {
    const lot_data& mine = *lots_[task.at.lot];
    const int priority = task.at.priority;
    const std::size_t before =
        find(task.at.lot, priority)->ahead_of(task.at.tenant, task.before, mine.tenants);
    const fair_share my_share = share(mine, priority);
    std::size_t n = before;
    for (lot_index i = 0; i < lots_.size(); ++i) {
      const lot_data& l = *lots_[i];
      if (l.count == 0 || (i != task.at.lot && !counts(i))) continue;
      for (int p = l.top(); p > priority; --p)
        if (const ready_band* b = find(i, p)) n += b->size();
      if (i == task.at.lot) continue;
      if (const ready_band* b = find(i, priority))
        n += share(l, priority).turns_before(l.stride, b->size(), my_share, mine.stride, before);
    }
    return n;
  }

  // Where a key goes.
  place place_of(lot_index lot, const ready_key& key) const;
  // Whether a key pushed there now may keep its body; one that may not must come without.
  bool takes_hot(place at, bool backlog = false) const;
  void push_back(lot_index lot, const ready_key& key, bool backlog = false);
  // Everything of `line` goes before what is there.
  void put_before(place at, ready_line&& line, freed_bodies& freed);

  // Who is next among the lots of class `c`: of those that `may_serve` allows, and of those of whose
  // tasks `elsewhere(lot)` says that one waits outside of the set: its priority, or -1.
  template <class Predicate, class Elsewhere>
  std::optional<head> choose(handler_class c, Predicate may_serve, Elsewhere elsewhere) const {
    std::optional<head> best;
    const lot_data* its = nullptr;
    for (lot_index i = 0; i < lots_.size(); ++i) {
      const lot_data& l = *lots_[i];
      if (l.kind != c) continue;
      const int outside = elsewhere(i);
      const bool here = l.count > 0 && may_serve(i);
      if (!here && outside < 0) continue;
      head h;
      h.lot = i;
      if (here) most_urgent(l, h);
      if (!here || outside >= h.urgency) {
        h.priority = h.urgency = static_cast<std::uint8_t>(outside);
        h.elsewhere = true;
      }
      if (best && !goes_before(l, h, *its, *best)) continue;
      best = h;
      its = &l;
    }
    return best;
  }
  template <class Predicate>
  std::optional<head> choose(handler_class c, Predicate may_serve) const {
    return choose(c, may_serve, [](lot_index) { return -1; });
  }
  // The next band of a lot. Requires a key in the lot.
  head next_of(lot_index lot) const;
  // False: the band's next key must be reloaded first.
  bool head_is_hot(head h) const { return band(h).head_line().hot_size() > 0; }
  // Whether one of its keys can be popped.
  bool has_hot(head h) const { return band(h).hot_size() > 0; }
  // Whether a reload of the next line is under way.
  bool reloading(head h) const { return band(h).head_line().reloading(); }
  // Requires a hot key. The lot's turn is taken, and the tenant's.
  ready_key pop(head h);
  // A task that waited elsewhere takes a turn of its lot; one that was popped goes to wait there.
  void take_turn(lot_index lot, std::uint8_t priority);
  void return_turn(lot_index lot, std::uint8_t priority);

  // Moves what gets another priority there, behind those already there. Returns how many. One pass,
  // O(hot keys + cold chunks).
  std::size_t reprioritize(const priority_changes& changes, freed_bodies& freed);

  // Takes out what matches; how many. As costly as reprioritize.
  std::size_t remove(const key_match& which, freed_bodies& freed);

  // While a backlog is read page by page: its keys are pushed as such, others wait behind them.
  void end_backlog();

  // Makes about `count` keys of one band cold, of each line its share: of the one with the lowest
  // `rank(place)`, which is nothing where no key may go; then the lowest priority, then the largest.
  // Returns how many.
  template <class Rank>
  std::size_t spill(std::size_t count, Rank rank, freed_bodies& freed) {
    std::optional<place> victim;
    std::tuple<int, int, std::size_t> best;
    for (lot_index i = 0; i < lots_.size(); ++i)
      for (int p = 0; p <= lots_[i]->top(); ++p) {
        const ready_band* b = find(i, p);
        if (b == nullptr || b->hot_size() == 0 || !spillable(*b)) continue;
        const place at{i, static_cast<std::uint8_t>(p)};
        const std::optional<int> r = rank(at);
        if (!r) continue;
        const std::tuple<int, int, std::size_t> key{*r, p, ~b->hot_size()};
        if (victim && key >= best) continue;
        victim = at;
        best = key;
      }
    return victim ? spill_band(*victim, count, freed) : 0;
  }

  // Whether the band has cold keys behind fewer than `count` hot ones, and no reload.
  bool runs_low(head h, std::size_t count) const;
  // The next cold keys of the band, at most `count`, appended to `parts`; those that
  // `keep(cold_key, place)` refuses leave the set. How many there are; 0: none are left, or reloads
  // of all lines are under way.
  template <class Keep>
  std::size_t begin_reload(head h, std::size_t count, Keep keep, std::vector<reload>& parts) {
    std::size_t taken = 0;
    const auto lines = band(h).in_turn();
    const std::size_t each = std::max<std::size_t>(count / lines.size(), 8);
    for (const tenant_index t : lines) {
      if (taken >= count) break;
      reload part{{h.lot, h.priority, t}, ++reloads_, {}};
      change(part.from, [&](ready_line& line) {
        const auto most = std::min(lines.size() == 1 ? count : each, count - taken);
        for (const cold_key& key : line.begin_reload(
                 most, part.ticket, [&](const cold_key& k) { return keep(k, part.from); }))
          part.ids.push_back(key.id.value);
      });
      taken += part.ids.size();
      if (!part.ids.empty()) parts.push_back(std::move(part));
    }
    return taken;
  }
  // triggers/ready_line.hpp
  template <class Fill>
  void end_reload(const reload& what, Fill fill) {
    if (find(what.from) == nullptr) return;
    change(what.from, [&](ready_line& line) { line.end_reload(what.ticket, fill); });
  }
  void abandon_reloads();

  std::size_t size() const noexcept { return size_; }
  std::size_t size(lot_index lot) const { return lots_[lot]->count; }
  std::size_t hot_size() const noexcept { return hot_; }
  std::size_t hot_size(lot_index lot) const { return lots_[lot]->hot; }
  std::size_t bytes() const noexcept;  // of keys, about; O(cold chunks)
  lot_index lot_count() const noexcept { return static_cast<lot_index>(lots_.size()); }

private:
  using lot_data = ready_lot;
  // The lots' turns in one priority.
  struct turns {
    fair_time now = 0;
    std::uint64_t served = 0;
  };

  bool goes_before(const lot_data& l, const head& h, const lot_data& other,
                   const head& than) const {
    if (h.urgency != than.urgency) return h.urgency > than.urgency;
    if (h.priority != than.priority) return h.priority < than.priority;  // it has waited longer
    const fair_share mine = share(l, h.priority), theirs = share(other, h.priority);
    return std::pair(mine.start, mine.served) < std::pair(theirs.start, theirs.served);
  }
  fair_share share(const lot_data& l, int priority) const {
    const auto p = static_cast<std::size_t>(priority);
    return {std::max(l.shares[p].start, turns_[static_cast<std::size_t>(l.kind)][p].now),
            l.shares[p].served};
  }
  void most_urgent(const lot_data& l, head& h) const;

  const ready_band* find(lot_index lot, int priority) const {
    return lots_[lot]->bands[static_cast<std::size_t>(priority)].get();
  }
  const ready_line* find(place at) const {
    const ready_band* b = find(at.lot, at.priority);
    return b == nullptr ? nullptr : b->find(at.tenant);
  }
  const ready_band& band(head h) const { return *find(h.lot, h.priority); }
  static bool spillable(const ready_band& b);
  // Every change of a band goes through here: the counts follow, an empty one goes.
  template <class F>
  void change_band(lot_index lot, std::uint8_t priority, F&& fn) {
    auto& slot = lots_[lot]->bands[priority];
    if (!slot) slot = std::make_unique<ready_band>();
    const std::size_t size = slot->size(), hot = slot->hot_size(), lines = slot->lines();
    fn(*slot);
    band_changed(lot, priority, size, hot, lines);
  }
  void band_changed(lot_index lot, std::uint8_t priority, std::size_t size, std::size_t hot,
                    std::size_t lines);
  template <class F>
  void change(place at, F&& fn) {
    change_band(at.lot, at.priority, [&](ready_band& b) { b.change(at.tenant, fn); });
  }
  std::size_t spill_band(place at, std::size_t count, freed_bodies& freed);

  std::vector<std::unique_ptr<lot_data>> lots_;
  std::map<std::pair<std::string, handler_class>, lot_index> index_;
  std::array<std::array<turns, limits::priority_max + 1>, handler_class_count> turns_;
  std::chrono::milliseconds ageing_{0};
  time_point now_{};
  std::uint64_t reloads_ = 0;
  std::size_t size_ = 0;
  std::size_t hot_ = 0;
  std::size_t lines_ = 0;
};

}  // namespace cascade
