// state/task_verdict.hpp
//
// Why a task is not running, in one word: what it waits for, that nobody owns it, or that it does
// not wait. The same words in SQL (cascade.task_verdict), at the console, on the command line and
// in docs/operating.md; tests compare them.
#pragma once

#include "state/task_state.hpp"

namespace cascade {

// First the reasons to wait, last the states in which nothing is waited for.
enum class task_verdict : std::uint8_t {
  dependency,
  delay,
  retry_backoff,
  concurrency_limit,
  rate_limit,
  worker_capacity,
  no_capable_worker,
  paused,
  no_owner,
  running,
  completed,
  failed,
  cancelled,
  skipped,
  quarantined,
};

inline constexpr std::size_t task_verdict_count = 15;
inline constexpr auto task_verdict_names = [] {
  std::array<std::string_view, task_verdict_count> out;
  std::size_t n = 0;
  for (const auto name : waiting_reason_names) out[n++] = name;
  out[n++] = "no_owner";
  for (auto s = static_cast<std::size_t>(task_state::running); s < task_state_names.size(); ++s)
    out[n++] = task_state_names[s];
  return out;
}();

constexpr std::string_view to_string(task_verdict v) noexcept {
  return task_verdict_names[static_cast<std::size_t>(v)];
}

static_assert(to_string(task_verdict::dependency) == to_string(waiting_reason::dependency));
static_assert(to_string(task_verdict::paused) == to_string(waiting_reason::paused));
static_assert(to_string(task_verdict::running) == to_string(task_state::running));
static_assert(to_string(task_verdict::quarantined) == to_string(task_state::quarantined));

}  // namespace cascade
