// state/job_state.hpp
//
// The law of job states, in the manner of state/task_state.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cascade {

// Order matters: it is the order of the SQL enum, and everything from `completed` on is finished.
enum class job_state : std::uint8_t { pending, running, paused, completed, failed, cancelled };
inline constexpr std::array<std::string_view, 6> job_state_names{
    "pending", "running", "paused", "completed", "failed", "cancelled"};

enum class job_event : std::uint8_t {
  taken_up,
  pause,
  resume,
  all_settled,
  step_failed,
  cancel,
  redrive
};

struct job_transition {
  job_state from;
  job_event on;
  job_state to;
};

inline constexpr std::array job_transitions{
    job_transition{job_state::pending, job_event::taken_up, job_state::running},
    job_transition{job_state::pending, job_event::pause, job_state::paused},
    job_transition{job_state::pending, job_event::cancel, job_state::cancelled},
    job_transition{job_state::pending, job_event::step_failed, job_state::failed},
    job_transition{job_state::running, job_event::pause, job_state::paused},
    job_transition{job_state::running, job_event::all_settled, job_state::completed},
    job_transition{job_state::running, job_event::step_failed, job_state::failed},
    job_transition{job_state::running, job_event::cancel, job_state::cancelled},
    job_transition{job_state::paused, job_event::resume, job_state::running},
    job_transition{job_state::paused, job_event::cancel, job_state::cancelled},
    job_transition{job_state::failed, job_event::redrive, job_state::running},
    job_transition{job_state::cancelled, job_event::redrive, job_state::running},
};

constexpr std::optional<job_state> next(job_state from, job_event on) noexcept {
  for (const auto& t : job_transitions)
    if (t.from == from && t.on == on) return t.to;
  return std::nullopt;
}

constexpr bool is_finished(job_state s) noexcept { return s >= job_state::completed; }

constexpr std::string_view to_string(job_state s) noexcept {
  return job_state_names[static_cast<std::size_t>(s)];
}
constexpr std::optional<job_state> parse_job_state(std::string_view name) noexcept {
  for (std::size_t i = 0; i < job_state_names.size(); ++i)
    if (job_state_names[i] == name) return static_cast<job_state>(i);
  return std::nullopt;
}

static_assert(next(job_state::running, job_event::all_settled) == job_state::completed);
static_assert(!next(job_state::completed, job_event::cancel));

}  // namespace cascade
