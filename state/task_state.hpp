// state/task_state.hpp
//
// The law of task states: one constexpr table. The SQL enums, cascade.task_transition and
// docs/state_machine.md are checked against it by tests (tests/db, tests/unit).
//
// A row may skip states that are passed faster than a write-behind: a short task goes from pending
// to completed in one write. `row_may_move` is the closure of the table over such skips, and is
// what the guard trigger in SQL allows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cascade {

// Order matters: it is the order of the SQL enum, and everything from `completed` on is finished.
enum class task_state : std::uint8_t {
  waiting,
  pending,
  running,
  completed,
  failed,
  cancelled,
  skipped,
  quarantined,
};
inline constexpr std::array<std::string_view, 8> task_state_names{
    "waiting", "pending", "running", "completed", "failed", "cancelled", "skipped", "quarantined"};

enum class waiting_reason : std::uint8_t {
  dependency,
  delay,
  retry_backoff,
  concurrency_limit,
  rate_limit,
  worker_capacity,
  no_capable_worker,
  paused,
};
inline constexpr std::array<std::string_view, 8> waiting_reason_names{
    "dependency", "delay",           "retry_backoff",     "concurrency_limit",
    "rate_limit", "worker_capacity", "no_capable_worker", "paused"};

enum class task_event : std::uint8_t {
  due,         // nothing left to wait for
  held,        // a limit, a pause or a missing capability keeps a pending task back
  started,     // a worker took it
  succeeded,   //
  errored,     // the attempt failed and none is left, or the error is final
  backed_off,  // the attempt failed, another one comes
  snoozed,     // the attempt does not count, it comes again later
  owner_lost,  // the node died while it ran
  poisoned,    // its owner was lost too often while it ran
  cancel,      //
  skip,        // a condition or a run rule says it is not needed
  redrive,     // an operator asks for another round
  reopen,      // another round of its job: it waits for its dependencies again
};

struct task_transition {
  task_state from;
  task_event on;
  task_state to;
};

inline constexpr std::array task_transitions{
    task_transition{task_state::waiting, task_event::due, task_state::pending},
    task_transition{task_state::waiting, task_event::cancel, task_state::cancelled},
    task_transition{task_state::waiting, task_event::skip, task_state::skipped},
    // An input that cannot be built, an unknown handler: known before anything runs.
    task_transition{task_state::waiting, task_event::errored, task_state::failed},
    task_transition{task_state::pending, task_event::held, task_state::waiting},
    task_transition{task_state::pending, task_event::started, task_state::running},
    task_transition{task_state::pending, task_event::errored, task_state::failed},
    task_transition{task_state::pending, task_event::cancel, task_state::cancelled},
    task_transition{task_state::pending, task_event::skip, task_state::skipped},
    task_transition{task_state::running, task_event::succeeded, task_state::completed},
    task_transition{task_state::running, task_event::errored, task_state::failed},
    task_transition{task_state::running, task_event::backed_off, task_state::waiting},
    task_transition{task_state::running, task_event::snoozed, task_state::waiting},
    task_transition{task_state::running, task_event::owner_lost, task_state::pending},
    task_transition{task_state::running, task_event::poisoned, task_state::quarantined},
    task_transition{task_state::running, task_event::cancel, task_state::cancelled},
    task_transition{task_state::failed, task_event::redrive, task_state::pending},
    task_transition{task_state::cancelled, task_event::redrive, task_state::pending},
    task_transition{task_state::quarantined, task_event::redrive, task_state::pending},
    task_transition{task_state::failed, task_event::reopen, task_state::waiting},
    task_transition{task_state::cancelled, task_event::reopen, task_state::waiting},
    task_transition{task_state::skipped, task_event::reopen, task_state::waiting},
    task_transition{task_state::quarantined, task_event::reopen, task_state::waiting},
};

constexpr std::optional<task_state> next(task_state from, task_event on) noexcept {
  for (const auto& t : task_transitions)
    if (t.from == from && t.on == on) return t.to;
  return std::nullopt;
}

constexpr bool is_finished(task_state s) noexcept { return s >= task_state::completed; }

// True when a row may be seen to go from `from` to `to`, states in between not written down.
constexpr bool row_may_move(task_state from, task_state to) noexcept {
  std::array<bool, task_state_names.size()> reached{};
  for (std::size_t round = 0; round < reached.size(); ++round)
    for (const auto& t : task_transitions) {
      const bool crossable =
          t.from == from || (reached[static_cast<std::size_t>(t.from)] && !is_finished(t.from));
      if (crossable) reached[static_cast<std::size_t>(t.to)] = true;
    }
  return reached[static_cast<std::size_t>(to)];
}

constexpr std::string_view to_string(task_state s) noexcept {
  return task_state_names[static_cast<std::size_t>(s)];
}
constexpr std::string_view to_string(waiting_reason r) noexcept {
  return waiting_reason_names[static_cast<std::size_t>(r)];
}
constexpr std::optional<task_state> parse_task_state(std::string_view name) noexcept {
  for (std::size_t i = 0; i < task_state_names.size(); ++i)
    if (task_state_names[i] == name) return static_cast<task_state>(i);
  return std::nullopt;
}

constexpr std::optional<waiting_reason> parse_waiting_reason(std::string_view name) noexcept {
  for (std::size_t i = 0; i < waiting_reason_names.size(); ++i)
    if (waiting_reason_names[i] == name) return static_cast<waiting_reason>(i);
  return std::nullopt;
}

static_assert(next(task_state::waiting, task_event::due) == task_state::pending);
static_assert(!next(task_state::completed, task_event::cancel));
static_assert(row_may_move(task_state::pending, task_state::completed));
static_assert(!row_may_move(task_state::completed, task_state::pending));

}  // namespace cascade
