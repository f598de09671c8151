// triggers/cold_run.hpp
//
// Ready tasks of which only the ids are kept, in order: about one byte a task when ids are close
// together, two or three when they are not.
//
// Owner    exactly one actor; not thread-safe.
// Form     chunks of at most chunk_keys_max keys, each a delta and a change bit in one varint; job
//          and flags follow only where they differ from the key before.
// Cost     push_back O(1); take O(keys taken + one chunk); append and prepend O(1); extract looks
//          into a chunk only when the task or the job may be in it.
// Limits   the caller's; an empty run owns no memory.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "triggers/priority_changes.hpp"

namespace cascade {

struct cold_key {
  task_id id;
  job_id job;
  std::uint8_t flags = 0;

  bool operator==(const cold_key&) const = default;
};

// One task, or all tasks of a job.
struct key_match {
  task_id task;
  job_id job;  // counts when there is no task

  bool operator()(task_id t, job_id j) const noexcept { return task ? t == task : j == job; }
};

class cold_run {
public:
  static constexpr std::size_t chunk_keys_max = 1'000;

  void push_back(const cold_key& key);
  // Before everything, in their own order.
  void push_front(std::span<const cold_key> keys);
  void append(cold_run&& other);
  void prepend(cold_run&& other);

  // Takes the first keys out, at most `count`.
  std::vector<cold_key> take(std::size_t count);
  // Takes out what matches; the order of what stays and of what goes is kept.
  cold_run extract(const key_match& which);
  // Takes out what gets another priority than `here`, by its new one, in order.
  std::map<std::uint8_t, cold_run> extract(const priority_changes& changes, std::uint8_t here);
  // The first key of a task, and how many are before it. Looks into a chunk only when it may be in
  // it.
  std::optional<std::pair<cold_key, std::size_t>> find(task_id id) const;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept;  // O(chunks)

private:
  struct chunk {
    std::vector<std::uint8_t> bytes;
    cold_key last;
    task_id id_min, id_max;
    job_id job_min, job_max;
    std::uint32_t count = 0;

    void push(const cold_key& key);
    std::vector<cold_key> keys() const;
    bool may_hold(const key_match& which) const noexcept;
    bool is_all(const key_match& which) const noexcept;
    priority_changes::range range() const noexcept { return {id_min, id_max, job_min, job_max}; }
  };

  static std::list<chunk> pack(std::span<const cold_key> keys);

  std::list<chunk> chunks_;
  std::size_t size_ = 0;
};

}  // namespace cascade
