// state/ids.hpp
//
// Strong ids. No implicit conversion from or to integers: a job id never ends up where a task id
// belongs. Values come from Postgres identity columns and are always positive; 0 means "none".
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace cascade {

template <class Tag>
struct strong_id {
  std::int64_t value = 0;

  constexpr strong_id() noexcept = default;
  constexpr explicit strong_id(std::int64_t v) noexcept : value(v) {}
  constexpr explicit operator bool() const noexcept { return value != 0; }
  constexpr auto operator<=>(const strong_id&) const noexcept = default;
};

using task_id = strong_id<struct task_tag>;
using job_id = strong_id<struct job_tag>;
using command_id = strong_id<struct command_tag>;

// The number a node gets each time it (re)acquires lanes; rises for ever. Every write of an owner
// carries it.
using epoch_id = strong_id<struct epoch_tag>;

// A lane: the unit of ownership. A function of the job, or of the task's own id when it
// stands alone.
inline constexpr int lane_count = 64;
constexpr int lane_of(task_id id) noexcept { return static_cast<int>(id.value & (lane_count - 1)); }
constexpr int lane_of(job_id id) noexcept { return static_cast<int>(id.value & (lane_count - 1)); }

}  // namespace cascade

template <class Tag>
struct std::hash<cascade::strong_id<Tag>> {
  std::size_t operator()(cascade::strong_id<Tag> id) const noexcept {
    return std::hash<std::int64_t>{}(id.value);
  }
};
