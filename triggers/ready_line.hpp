// triggers/ready_line.hpp
//
// The ready tasks of one lot, one priority and one tenant, in order. A full key ("hot") is kept for those at
// the head; of the others only the id is known ("cold"), until their rows are fetched again.
//
//   hot | on their way from the database | cold | late
//
// Owner    exactly one actor; not thread-safe.
// Order    first in, first out, over spills and reloads. Only the head may be hot.
// Late     while a backlog is being read page by page, what arrives otherwise is younger than what
//          of the backlog is still to come: it waits behind it.
// Bodies   a key that goes cold gives up its body: the slot is added to `freed`.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "state/limits.hpp"
#include "triggers/cold_run.hpp"

namespace cascade {

struct ready_key {
  task_id id;
  job_id job;
  std::uint32_t body = 0;     // slot in the owner's body store, 0: only the row has it
  std::uint16_t handler = 0;  // index in the owner's table of handlers
  std::int16_t attempt = 0;   // attempts made so far
  std::uint8_t priority = limits::priority_default;
  std::uint8_t flags = 0;
  std::uint32_t tenant = 0;  // tenant_of(), 0: none; a cold key's line knows it
};
static_assert(sizeof(ready_key) <= 32);

using freed_bodies = std::vector<std::uint32_t>;

class ready_line {
public:
  // Whether a key that is pushed now may keep its body.
  bool takes_hot(bool backlog = false) const noexcept;
  // `backlog`: one of a backlog's pages brings it. A key with a body needs takes_hot().
  void push_back(const ready_key& key, bool backlog = false);
  void end_backlog();
  // Everything of `other` goes before everything here.
  void put_before(ready_line&& other, freed_bodies& freed);

  const ready_key* head() const noexcept { return hot_.empty() ? nullptr : &hot_.front(); }
  // Requires a head.
  ready_key pop();

  // Makes the last hot keys cold, at most `count`. None while a reload is under way: they would get
  // behind it.
  std::size_t spill(std::size_t count, freed_bodies& freed);

  // Takes the next cold keys for a reload and remembers them: none when one is under way.
  template <class Keep>
  const std::vector<cold_key>& begin_reload(std::size_t count, std::uint64_t ticket, Keep keep) {
    if (reloading()) return none();
    loading_ = (cold_.empty() ? late_ : cold_).take(count);
    std::erase_if(loading_, [&](const cold_key& k) { return !keep(k); });
    ticket_ = ticket;
    return loading_;
  }
  enum class fetched : std::uint8_t { here, gone, later };
  // What came of them: `fill(cold_key, ready_key&)` makes the key. One that comes later, and those
  // behind it, are cold again. Nothing when the reload was given up meanwhile.
  template <class Fill>
  void end_reload(std::uint64_t ticket, Fill fill) {
    if (!reloading() || ticket != ticket_) return;
    const auto keys = std::exchange(loading_, {});
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ready_key key;
      switch (fill(keys[i], key)) {
        case fetched::here:
          hot_.push_back(key);
          break;
        case fetched::gone:
          break;
        case fetched::later:
          return cold_.push_front(std::span(keys).subspan(i));
      }
    }
  }
  void abandon_reload();
  bool reloading() const noexcept { return !loading_.empty(); }
  bool has_cold() const noexcept { return !cold_.empty() || !late_.empty(); }

  // Takes out what matches, in order.
  ready_line extract(const key_match& which);
  // Takes out what gets another priority than `here`, by its new one, in order.
  std::map<std::uint8_t, ready_line> extract(const priority_changes& changes, std::uint8_t here);
  // Everything of `other` goes behind everything here, at this line's priority.
  void put_after(ready_line&& other, std::uint8_t priority, freed_bodies& freed);

  // The key of a task as far as it is cold, and how many are before it. O(hot keys + cold chunks).
  std::optional<std::pair<cold_key, std::size_t>> find(task_id id) const;

  template <class F>
  void for_each_hot(F f) const {
    for (const ready_key& k : hot_) f(k);
  }
  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept {
    return hot_.size() + loading_.size() + cold_.size() + late_.size();
  }
  std::size_t hot_size() const noexcept { return hot_.size(); }
  std::size_t loading_size() const noexcept { return loading_.size(); }
  std::size_t bytes() const noexcept;  // of memory, about

private:
  static const std::vector<cold_key>& none();

  std::deque<ready_key> hot_;
  std::vector<cold_key> loading_;
  cold_run cold_, late_;
  std::uint64_t ticket_ = 0;
  bool in_backlog_ = false;  // the backlog under way has brought keys here
};

}  // namespace cascade
