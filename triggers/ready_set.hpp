// triggers/ready_set.hpp
//
// The tasks that may start now: highest priority first, first come first served within a priority.
//
// Owner    exactly one actor; not thread-safe.
// Order    per lot (a queue and a class of handlers): a line for each priority and a bitmap of
//          those that are not empty. Over lots: highest head priority, then the lot that was served
//          longest ago.
// Cost     push and pop O(1); choosing over L lots O(L); nothing depends on how many keys are cold
//          (triggers/ready_line.hpp), but for a change of priority, which looks at the bounds of
//          each chunk.
// Limits   the caller's: hot_size() keys of 32 bytes and their bodies, brought down with spill();
//          a byte or two for each of the others.
// Reload   the caller fetches rows: begin_reload() says which, end_reload() brings them.
// Removal  lazy: the owner checks a key against what it knows (cancelled, its job paused) when it
//          is popped or about to be reloaded.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "triggers/ready_line.hpp"

namespace cascade {

enum class handler_class : std::uint8_t {
  quick,
  slot
};  // runs in a worker actor at once, or occupies a worker
inline constexpr std::size_t handler_class_count = 2;

class ready_set {
public:
  using lot_index = std::uint32_t;
  struct place {
    lot_index lot = 0;
    std::uint8_t priority = 0;
    auto operator<=>(const place&) const = default;
  };
  struct reload {
    place from;
    std::uint64_t ticket = 0;
    std::vector<std::int64_t> ids;
  };

  // The lot of a queue and a handler class, made when absent.
  lot_index lot(const std::string& queue, handler_class c);
  const std::string& queue_of(lot_index lot) const { return lots_[lot]->queue; }

  handler_class class_of(lot_index lot) const { return lots_[lot]->kind; }

  // Where a task is, and how many of its lot and priority are before it. O(hot keys + cold chunks).
  struct standing {
    place at;
    job_id job;
    std::size_t before = 0;
  };
  std::optional<standing> find_task(task_id id) const;
  // How many start before it among the lots that `counts` allows: those that are more urgent, and
  // of equal ones as many as take their turns first. O(lots * priorities).
  template <class Predicate>
  std::size_t ahead_of(const standing& task, Predicate counts) const {
    const lot_data& mine = *lots_[task.at.lot];
    std::size_t n = task.before;
    for (lot_index i = 0; i < lots_.size(); ++i) {
      const lot_data& l = *lots_[i];
      if (l.count == 0 || (i != task.at.lot && !counts(i))) continue;
      for (int p = l.top(); p > task.at.priority; --p)
        if (const auto& line = l.lines[static_cast<std::size_t>(p)]) n += line->size();
      if (i == task.at.lot) continue;
      if (const auto& line = l.lines[task.at.priority])
        n += std::min(line->size(), task.before + (l.served < mine.served ? 1 : 0));
    }
    return n;
  }

  // Whether a key pushed there now may keep its body; one that may not must come without.
  bool takes_hot(place at, bool backlog = false) const;
  void push_back(lot_index lot, const ready_key& key, bool backlog = false);
  // Everything of `line` goes before what is there.
  void put_before(place at, ready_line&& line, freed_bodies& freed);

  // The lot to serve next among those of class `c` that `may_serve` allows; nothing when none has a
  // key.
  template <class Predicate>
  std::optional<lot_index> choose(handler_class c, Predicate may_serve) const {
    std::optional<lot_index> best;
    int best_top = -1;
    for (lot_index i = 0; i < lots_.size(); ++i) {
      const lot_data& l = *lots_[i];
      if (l.kind != c || l.count == 0 || !may_serve(i)) continue;
      const int top = l.top();
      if (top > best_top || (top == best_top && l.served < lots_[*best]->served)) {
        best = i;
        best_top = top;
      }
    }
    return best;
  }
  // The head's priority. Requires a key in the lot.
  std::uint8_t top(lot_index lot) const;
  // False: the most urgent key of the lot must be reloaded first. Requires a key in the lot.
  bool head_is_hot(lot_index lot) const;
  // Whether a reload of the head's line is under way. Requires a key in the lot.
  bool reloading(lot_index lot) const;
  // Requires a hot head.
  ready_key pop(lot_index lot);

  // Moves what matches to `priority`, behind those already there. Returns how many.
  std::size_t reprioritize(const key_match& which, std::uint8_t priority, freed_bodies& freed);

  // Takes out what matches; how many. As costly as reprioritize.
  std::size_t remove(const key_match& which, freed_bodies& freed);

  // While a backlog is read page by page: its keys are pushed as such, others wait behind them.
  void end_backlog();

  // Makes at most `count` keys of one line cold: of the one with the lowest `rank(place)`, which is
  // nothing where no key may go; then the lowest priority, then the longest. Returns how many.
  template <class Rank>
  std::size_t spill(std::size_t count, Rank rank, freed_bodies& freed) {
    std::optional<place> victim;
    std::tuple<int, int, std::size_t> best;
    for (lot_index i = 0; i < lots_.size(); ++i)
      for (int p = 0; p <= lots_[i]->top(); ++p) {
        const ready_line* l = lots_[i]->lines[static_cast<std::size_t>(p)].get();
        if (l == nullptr || l->hot_size() == 0 || l->reloading()) continue;
        const place at{i, static_cast<std::uint8_t>(p)};
        const std::optional<int> r = rank(at);
        if (!r) continue;
        const std::tuple<int, int, std::size_t> key{*r, p, ~l->hot_size()};
        if (victim && key >= best) continue;
        victim = at;
        best = key;
      }
    return victim ? spill_line(*victim, count, freed) : 0;
  }

  // Whether the lot's head has cold keys behind fewer than `count` hot ones, and no reload.
  bool runs_low(lot_index lot, std::size_t count) const;
  // The next cold keys at the lot's head, at most `count`; those that `keep(cold_key, priority)`
  // refuses leave the set. No ids: none are left of them, or a reload is under way. Requires a key
  // in the lot.
  template <class Keep>
  reload begin_reload(lot_index lot, std::size_t count, Keep keep) {
    reload out;
    out.from = {lot, top(lot)};
    out.ticket = ++reloads_;
    ready_line& line = *lots_[lot]->lines[out.from.priority];
    const counted change(*this, out.from);
    for (const cold_key& key : line.begin_reload(
             count, out.ticket, [&](const cold_key& k) { return keep(k, out.from.priority); }))
      out.ids.push_back(key.id.value);
    return out;
  }
  // triggers/ready_line.hpp
  template <class Fill>
  void end_reload(const reload& what, Fill fill) {
    ready_line* line = find(what.from);
    if (line == nullptr) return;
    const counted change(*this, what.from);
    line->end_reload(what.ticket, fill);
  }
  void abandon_reloads();

  std::size_t size() const noexcept { return size_; }
  std::size_t size(lot_index lot) const { return lots_[lot]->count; }
  std::size_t hot_size() const noexcept { return hot_; }
  std::size_t hot_size(lot_index lot) const { return lots_[lot]->hot; }
  std::size_t bytes() const noexcept;  // of keys, about; O(cold chunks)
  lot_index lot_count() const noexcept { return static_cast<lot_index>(lots_.size()); }

private:
  struct lot_data {
    std::string queue;
    handler_class kind;
    std::uint64_t served = 0;
    std::size_t count = 0;
    std::size_t hot = 0;
    std::array<std::uint64_t, 2> occupied{};
    std::array<std::unique_ptr<ready_line>, limits::priority_max + 1> lines;

    int top() const noexcept;  // highest priority with a key, -1 when empty
  };
  // Takes over into the counts what is done to a line while it lives; an empty line goes away.
  class counted {
  public:
    counted(ready_set& set, place at);
    ~counted();
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;

  private:
    ready_set& set_;
    place at_;
    std::size_t size_, hot_;
  };

  const ready_line* find(place at) const { return lots_[at.lot]->lines[at.priority].get(); }
  ready_line* find(place at) { return lots_[at.lot]->lines[at.priority].get(); }
  ready_line& line(place at);
  std::size_t spill_line(place at, std::size_t count, freed_bodies& freed);

  std::vector<std::unique_ptr<lot_data>> lots_;
  std::map<std::pair<std::string, handler_class>, lot_index> index_;
  std::uint64_t clock_ = 0;
  std::uint64_t reloads_ = 0;
  std::size_t size_ = 0;
  std::size_t hot_ = 0;
};

}  // namespace cascade
