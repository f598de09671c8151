// triggers/ready_set.hpp
//
// The tasks that may start now: a compact key each, highest priority first, first come first served
// within a priority.
//
// Owner    exactly one actor; not thread-safe.
// Order    per lot (a queue and a class of handlers): 101 buckets of first-in-first-out rings and a
//          bitmap of the non-empty ones. Over lots: highest head priority, then the lot that was
//          served longest ago.
// Cost     push and pop O(1); choosing over L lots O(L).
// Limits   the caller's; size() says how many keys are held (a key is 32 bytes).
// Removal  lazy: the owner checks a popped key against what it knows (cancelled, moved to another
//          priority).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "state/ids.hpp"
#include "state/limits.hpp"

namespace cascade {

struct ready_key {
  task_id id;
  job_id job;
  std::uint32_t body =
      0;  // slot in the owner's body store, 0: not in memory, fetch before dispatch
  std::uint16_t handler = 0;  // index in the owner's table of handlers
  std::int16_t attempt = 0;   // attempts made so far
  std::uint8_t priority = limits::priority_default;
  std::uint8_t flags = 0;
};
static_assert(sizeof(ready_key) <= 32);

enum class handler_class : std::uint8_t {
  quick,
  slot
};  // runs in a worker actor at once, or occupies a worker
inline constexpr std::size_t handler_class_count = 2;

class ready_set {
public:
  using lot_index = std::uint32_t;

  // The lot of a queue and a handler class, made when absent.
  lot_index lot(const std::string& queue, handler_class c);
  const std::string& queue_of(lot_index lot) const { return lots_[lot]->queue; }

  void push_back(lot_index lot, ready_key key);
  void push_front(lot_index lot, ready_key key);  // back to where it came from

  // The lot to serve next among those of class `c` that `may_serve` allows; nothing when none has a
  // key.
  template <class Predicate>
  std::optional<lot_index> choose(handler_class c, Predicate may_serve) const {
    std::optional<lot_index> best;
    for (lot_index i = 0; i < lots_.size(); ++i) {
      const lot_data& l = *lots_[i];
      if (l.kind != c || l.count == 0 || !may_serve(i)) continue;
      if (!best || l.top() > lots_[*best]->top() ||
          (l.top() == lots_[*best]->top() && l.served < lots_[*best]->served))
        best = i;
    }
    return best;
  }
  // Moves every key that `which` picks to `priority`, behind those already there. O(size()).
  // Returns how many.
  template <class Predicate>
  std::size_t reprioritize(Predicate which, std::uint8_t priority) {
    std::vector<std::pair<lot_index, ready_key>> moved;
    for (lot_index i = 0; i < lots_.size(); ++i)
      for (std::size_t p = 0; p < lots_[i]->buckets.size(); ++p)
        if (p != priority && lots_[i]->buckets[p]) extract(i, static_cast<int>(p), which, moved);
    for (auto& [lot, key] : moved) {
      key.priority = priority;
      push_back(lot, key);
    }
    return moved.size();
  }
  // Requires a key in the lot.
  ready_key pop(lot_index lot);
  const ready_key& front(lot_index lot) const;

  std::size_t size() const noexcept { return size_; }
  std::size_t size(lot_index lot) const { return lots_[lot]->count; }
  lot_index lot_count() const noexcept { return static_cast<lot_index>(lots_.size()); }

private:
  struct lot_data {
    std::string queue;
    handler_class kind;
    std::uint64_t served = 0;
    std::size_t count = 0;
    std::array<std::uint64_t, 2> occupied{};
    std::array<std::unique_ptr<std::deque<ready_key>>, limits::priority_max + 1> buckets;

    int top() const noexcept;  // highest priority with a key, -1 when empty
    std::deque<ready_key>& bucket(int priority);
  };

  template <class Predicate>
  void extract(lot_index lot, int priority, Predicate& which,
               std::vector<std::pair<lot_index, ready_key>>& out) {
    auto& bucket = *lots_[lot]->buckets[static_cast<std::size_t>(priority)];
    const auto gone = std::stable_partition(bucket.begin(), bucket.end(),
                                            [&](const ready_key& k) { return !which(k); });
    for (auto it = gone; it != bucket.end(); ++it) out.emplace_back(lot, *it);
    const auto count = static_cast<std::size_t>(bucket.end() - gone);
    bucket.erase(gone, bucket.end());
    removed(lot, priority, count);
  }
  void removed(lot_index lot, int priority, std::size_t count);

  std::vector<std::unique_ptr<lot_data>> lots_;
  std::map<std::pair<std::string, handler_class>, lot_index> index_;
  std::uint64_t clock_ = 0;
  std::size_t size_ = 0;
};

}  // namespace cascade
