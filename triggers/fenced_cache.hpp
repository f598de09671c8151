// triggers/fenced_cache.hpp
//
// Values read from rows, by key, and who waits for those that are being read. Never older than what
// the owner has been told of: docs/adr/0012-cache.md.
//
// Owner    exactly one actor; not thread-safe; never reads a clock.
// Fence    `write` and `forget` say that rows have changed. A read that is under way then may have seen
//          the old one: it still answers those who asked before, and is not kept. Who asks after that
//          waits for a new read.
// Batches  have rising numbers and are told in their order. A read knows the last one that it saw, so
//          that what is told later of one it did see changes nothing.
// Limits   entries and bytes: the one used longest ago goes first. Time to live: counts from the
//          read, whatever was written since. Who waits: the owner's.
// Cost     O(1); forget_if O(entries). An empty cache costs a write nothing.
// Tests    tests/property/fenced_cache_test.cpp
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cascade {

// Why an entry is gone: it was there for too long, others needed the room, somebody else may have
// changed its row, the connection was lost, or the node itself changed the row to what it cannot know.
enum class forgotten : std::uint8_t { ttl, size, foreign, connection, written };
inline constexpr std::array<std::string_view, 5> forgotten_names{"ttl", "size", "foreign",
                                                                 "connection", "written"};

struct cache_limits {
  std::size_t entries_max = 10'000;
  std::size_t bytes_max = 8u << 20;
  std::chrono::milliseconds ttl{0};  // 0: for ever
};

struct cache_counters {
  std::uint64_t hits = 0, misses = 0;
  std::uint64_t loads = 0;            // reads begun; the other misses waited for one
  std::uint64_t stale_prevented = 0;  // reads that were not kept: a row changed meanwhile
  std::uint64_t written = 0;          // entries that followed their rows
  std::array<std::uint64_t, forgotten_names.size()> forgotten{};
};

template <class Key, class Value, class Hash = std::hash<Key>>
class fenced_cache {
public:
  using asker = std::uint64_t;  // whatever the owner knows them by
  using time_point = std::chrono::steady_clock::time_point;

  explicit fenced_cache(cache_limits limits = {}) : limits_(limits) {}

  // The value, if it is here. Valid until the next call.
  const Value* find(const Key& key, time_point now) {
    const auto at = entries_.find(key);
    if (at != entries_.end() && limits_.ttl.count() > 0 && now - at->second->read >= limits_.ttl)
      erase(at, forgotten::ttl);
    else if (at != entries_.end()) {
      ++counters_.hits;
      order_.splice(order_.begin(), order_, at->second);
      return &at->second->value;
    }
    ++counters_.misses;
    return nullptr;
  }

  // After a miss. The number of the read to begin; nothing when one is under way that will do.
  std::optional<std::uint64_t> wait(const Key& key, asker who) {
    ++waiting_;
    if (const auto at = current_.find(key); at != current_.end()) {
      reads_.at(at->second).askers.push_back(who);
      return std::nullopt;
    }
    ++counters_.loads;
    read& r = reads_[++number_];
    r.key = key;
    r.askers.push_back(who);
    current_.emplace(key, number_);
    return number_;
  }

  // The answer to a read, none: there is no such row, or it could not be read. Who waited for it.
  // `seen`: the last batch that the read saw.
  std::vector<asker> end_read(std::uint64_t number, std::optional<Value> value, std::size_t bytes,
                              std::int64_t seen, time_point now) {
    const auto at = reads_.find(number);
    if (at == reads_.end()) return {};
    read r = std::move(at->second);
    reads_.erase(at);
    waiting_ -= r.askers.size();
    if (!r.fenced) current_.erase(r.key);
    if (value && r.fenced) ++counters_.stale_prevented;
    if (value && !r.fenced && keeping_) keep(r.key, {r.key, std::move(*value), bytes, seen, now});
    return r.askers;
  }

  // A batch has changed the row: `change(value)` makes of the old value the new one.
  template <class F>
  void write(const Key& key, std::int64_t batch, F&& change) {
    fence(key);
    const auto at = entries_.find(key);
    if (at == entries_.end() || at->second->seen >= batch) return;
    change(at->second->value);
    ++counters_.written;
  }
  // It is not known what the row is now.
  void forget(const Key& key) {
    fence(key);
    if (const auto at = entries_.find(key); at != entries_.end()) erase(at, forgotten::written);
  }
  // The same of rows that nobody has named.
  template <class P>
  void forget_if(P&& which) {
    fence_all();
    for (auto at = order_.begin(); at != order_.end();) {
      const auto next = std::next(at);
      if (which(std::as_const(at->value))) erase(entries_.find(at->key), forgotten::written);
      at = next;
    }
  }
  void forget_all(forgotten why) {
    fence_all();
    counters_.forgotten[static_cast<std::size_t>(why)] += entries_.size();
    entries_.clear();
    order_.clear();
    bytes_ = 0;
  }
  // While rows change without a word, nothing is kept. Reads under way belong to what was before.
  void set_keeping(bool keeping, forgotten why) {
    forget_all(why);
    keeping_ = keeping;
  }

  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t waiting() const noexcept { return waiting_; }
  std::size_t reading() const noexcept { return reads_.size(); }
  bool keeping() const noexcept { return keeping_; }
  const cache_counters& counters() const noexcept { return counters_; }

private:
  struct entry {
    Key key;
    Value value;
    std::size_t bytes = 0;
    std::int64_t seen = 0;
    time_point read;
  };
  struct read {
    Key key{};
    std::vector<asker> askers;
    bool fenced = false;
  };
  using entries = std::unordered_map<Key, typename std::list<entry>::iterator, Hash>;

  void fence(const Key& key) {
    if (current_.empty()) return;
    const auto at = current_.find(key);
    if (at == current_.end()) return;
    reads_.at(at->second).fenced = true;
    current_.erase(at);
  }
  void fence_all() {
    for (const auto& [key, number] : current_) reads_.at(number).fenced = true;
    current_.clear();
  }
  void erase(typename entries::iterator at, forgotten why) {
    ++counters_.forgotten[static_cast<std::size_t>(why)];
    bytes_ -= at->second->bytes;
    order_.erase(at->second);
    entries_.erase(at);
  }
  // (Nothing is read that is here.)
  void keep(const Key& key, entry&& e) {
    bytes_ += e.bytes;
    order_.push_front(std::move(e));
    entries_.emplace(key, order_.begin());
    while (entries_.size() > limits_.entries_max || (bytes_ > limits_.bytes_max && bytes_ > 0))
      erase(entries_.find(order_.back().key), forgotten::size);
  }

  cache_limits limits_;
  bool keeping_ = true;
  std::list<entry> order_;  // by their last use, the latest first
  entries entries_;
  std::size_t bytes_ = 0;
  std::uint64_t number_ = 0;
  std::unordered_map<std::uint64_t, read> reads_;
  std::unordered_map<Key, std::uint64_t, Hash> current_;  // those that are not fenced
  std::size_t waiting_ = 0;
  cache_counters counters_;
};

}  // namespace cascade
