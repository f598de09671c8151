// triggers/timer_wheel.hpp
//
// Holds what becomes due: delays, retries, deadlines. Assumes that most entries are cancelled or
// moved before they fire.
//
// Owner     exactly one actor; not thread-safe; never reads a clock: the owner passes the time in
//           ticks.
// Units     ticks of the owner's choice, 1 ms by default. The owner rounds due times up and the
//           present down (ticks_up, ticks_down); then an entry fires less than one tick late and
//           never early.
// Cost      schedule, move, cancel O(1), nothing is allocated. advance O(fired + moved down a
//           level); each entry moves down at most once a level. next_wakeup O(1): reads the
//           occupancy bitmaps. Nothing ticks while idle.
// Limits    4 levels of 256 slots cover 2^32 ticks, 49 days of 1 ms; what is due later waits in one
//           overflow list, which is looked at when the first of them comes into reach. 16.5 KiB,
//           plus 32 bytes in each entry.
// Errors    none. An exception of fn leaves advance; the entries it had not reached yet fire in the
//           next advance.
// Order     by tick, within a tick by insertion (a moved entry is inserted anew). So runs are
//           reproducible.
// Restart   contents are a cache of Postgres; rebuilt from it, never persisted.
// Tests     tests/property/timer_wheel_test.cpp (model: std::multimap);
//           loadtest/micro/timer_wheel_bench.cpp
//
// The hierarchical wheel is scheme 7 of Varghese and Lauck, "Hashed and Hierarchical Timing Wheels"
// (SOSP 1987). Intrusive entries and a computed next wake-up are ideas of folly's HHWheelTimer,
// overflow beyond the last wheel of Kafka's TimingWheel. An entry's level is the highest digit in
// which its due tick differs from the present, as digits of base 256. So entries of the same tick
// are always in the same slot, a lower level is always due before a higher one, and no slot index
// ever wraps around.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "state/assert.hpp"

namespace cascade {

template <unsigned slot_bits, unsigned level_count>
class basic_timer_wheel {
  struct link {
    link* next;
    link* previous;
  };

public:
  using tick = std::uint64_t;

  // What is scheduled: derive from it, or embed it. Leaves its wheel when destroyed; stays where it
  // is in memory.
  class node : link {
  public:
    node() noexcept : link{nullptr, nullptr} {}
    node(const node&) = delete;
    node& operator=(const node&) = delete;
    ~node() {
      if (wheel_) wheel_->cancel(*this);
    }

    [[nodiscard]] bool armed() const noexcept { return wheel_ != nullptr; }
    [[nodiscard]] tick due() const noexcept { return due_; }

  private:
    friend basic_timer_wheel;
    tick due_ = 0;
    basic_timer_wheel* wheel_ = nullptr;
  };

  explicit basic_timer_wheel(tick now = 0) noexcept : now_(now) {
    for (auto& list : lists_) clear(list);
  }
  ~basic_timer_wheel() { cancel_all(); }
  basic_timer_wheel(const basic_timer_wheel&) = delete;
  basic_timer_wheel& operator=(const basic_timer_wheel&) = delete;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] tick now() const noexcept { return now_; }

  // Arms `n`, or moves it when it is armed here. A due tick that is not in the future means the
  // next tick. Requires: n is not armed in another wheel.
  void schedule(node& n, tick due) {
    CASCADE_ASSERT(n.wheel_ == nullptr || n.wheel_ == this);
    if (n.wheel_)
      unlink(n);
    else
      ++count_;
    n.wheel_ = this;
    n.due_ = due > now_ ? due : now_ + 1;
    insert(n);
  }

  // Returns whether it was armed.
  bool cancel(node& n) noexcept {
    if (n.wheel_ != this) return false;
    unlink(n);
    n.wheel_ = nullptr;
    --count_;
    return true;
  }

  // Disarms everything; O(count). Returns how many.
  std::size_t cancel_all() noexcept {
    const auto armed = count_;
    for (auto& list : lists_)
      while (list.next != &list) cancel(*static_cast<node*>(list.next));
    return armed;
  }

  // When advance should be called: never later than the first due tick, sometimes earlier (entries
  // move down a level, at most once a level for each). Nothing when the wheel is empty.
  [[nodiscard]] std::optional<tick> next_wakeup() const noexcept {
    if (lists_[firing].next != &lists_[firing]) return now_;
    const auto index = first_occupied();
    if (index == none) return std::nullopt;
    return begin_of(index);
  }

  // Moves the present to `now` and calls fn(node&) for each entry that is due, in order; the node
  // is disarmed by then and may be scheduled again. fn may schedule and cancel anything, but not
  // advance. An earlier `now` changes nothing. Returns how many fired.
  template <class F>
  std::size_t advance(tick now, F&& fn) {
    CASCADE_ASSERT(!advancing_);
    const flag_scope scope(advancing_);
    auto fired = fire(fn);  // what an exception left behind
    while (true) {
      const auto index = first_occupied();
      if (index == none) break;
      const auto begin = begin_of(index);
      if (begin > now) break;
      now_ = begin;
      if (index < slots) {
        splice(index, firing);
        fired += fire(fn);
      } else {
        move_down(index);
      }
    }
    if (now > now_) now_ = now;
    return fired;
  }

private:
  static constexpr std::size_t slots = std::size_t{1} << slot_bits;
  static constexpr std::size_t overflow =
      slots * level_count;  // list indexes: level * slots + slot, then these
  static constexpr std::size_t firing = overflow + 1;
  static constexpr std::size_t none = ~std::size_t{0};
  static constexpr unsigned span_bits = slot_bits * level_count;
  static constexpr std::size_t words = overflow / 64 + 1;
  static_assert(slot_bits >= 6 && span_bits < 64);

  struct flag_scope {
    explicit flag_scope(bool& f) noexcept : flag(f) { flag = true; }
    ~flag_scope() { flag = false; }
    bool& flag;
  };

  static void clear(link& list) noexcept { list.next = list.previous = &list; }

  void insert(node& n) noexcept {
    const tick differs = n.due_ ^ now_;
    auto index = overflow;
    if (differs >> span_bits == 0) {
      const auto level = (63u - static_cast<unsigned>(std::countl_zero(differs | 1))) / slot_bits;
      index = level * slots + ((n.due_ >> (level * slot_bits)) & (slots - 1));
    } else if (lists_[overflow].next == &lists_[overflow] || n.due_ < overflow_first_) {
      overflow_first_ = n.due_;
    }
    append(lists_[index], n);
    occupied_[index / 64] |= std::uint64_t{1} << (index % 64);
  }

  static void append(link& list, link& n) noexcept {
    n.next = &list;
    n.previous = list.previous;
    list.previous->next = &n;
    list.previous = &n;
  }

  void unlink(node& n) noexcept {
    n.previous->next = n.next;
    n.next->previous = n.previous;
    if (n.next == n.previous)
      vacate(static_cast<std::size_t>(n.next - lists_.data()));  // it was alone
  }

  void vacate(std::size_t index) noexcept {
    occupied_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
  }

  [[nodiscard]] std::size_t first_occupied() const noexcept {
    for (std::size_t i = 0; i < words; ++i)
      if (occupied_[i] != 0)
        return i * 64 + static_cast<std::size_t>(std::countr_zero(occupied_[i]));
    return none;
  }

  // The first tick a list may hold, seen from the present.
  [[nodiscard]] tick begin_of(std::size_t index) const noexcept {
    if (index == overflow) return overflow_first_ >> span_bits << span_bits;
    const auto level = static_cast<unsigned>(index / slots);
    const auto above = (level + 1) * slot_bits;
    return (now_ >> above << above) | (static_cast<tick>(index % slots) << (level * slot_bits));
  }

  // Moves a whole list; the target is empty.
  void splice(std::size_t from, std::size_t to) noexcept {
    auto& source = lists_[from];
    auto& target = lists_[to];
    target = source;
    target.next->previous = target.previous->next = &target;
    clear(source);
    vacate(from);
  }

  // The present has reached the first tick of a list above the lowest level: its entries find their
  // new places.
  void move_down(std::size_t index) noexcept {
    splice(index, firing);
    auto& list = lists_[firing];
    for (auto* each = list.next; each != &list;)
      insert(*static_cast<node*>(std::exchange(each, each->next)));
    clear(list);
  }

  template <class F>
  std::size_t fire(F& fn) {
    std::size_t fired = 0;
    auto& list = lists_[firing];
    while (list.next != &list) {
      auto& n = *static_cast<node*>(list.next);
      list.next = n.next;
      list.next->previous = &list;
      n.wheel_ = nullptr;
      --count_;
      ++fired;
      fn(n);
    }
    return fired;
  }

  tick now_;
  std::size_t count_ = 0;
  bool advancing_ = false;
  tick overflow_first_ = 0;                      // no entry of the overflow list is due earlier
  std::array<std::uint64_t, words> occupied_{};  // the bit of `firing` is never set by insert
  std::array<link, firing + 1> lists_;
};

using timer_wheel = basic_timer_wheel<8, 4>;
using timer_node = timer_wheel::node;
static_assert(sizeof(timer_node) <= 48);

inline constexpr std::chrono::milliseconds timer_tick_default{1};

// Ticks for a due time: rounded up, so that nothing fires early. A time in the past is tick 0.
template <class Duration>
constexpr std::uint64_t ticks_up(Duration since_start,
                                 std::chrono::nanoseconds tick = timer_tick_default) {
  const auto ns = std::chrono::ceil<std::chrono::nanoseconds>(since_start).count();
  return ns <= 0 ? 0 : static_cast<std::uint64_t>((ns - 1) / tick.count() + 1);
}

// Ticks for the present: rounded down.
template <class Duration>
constexpr std::uint64_t ticks_down(Duration since_start,
                                   std::chrono::nanoseconds tick = timer_tick_default) {
  const auto ns = std::chrono::floor<std::chrono::nanoseconds>(since_start).count();
  return ns <= 0 ? 0 : static_cast<std::uint64_t>(ns / tick.count());
}

}  // namespace cascade
