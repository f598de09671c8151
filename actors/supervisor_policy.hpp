// actors/supervisor_policy.hpp
//
// The decisions of a supervisor, as pure functions of data. No actor, no clock: the caller passes
// the time.
#pragma once

#include <chrono>
#include <deque>

#include "actors/supervisor_spec.hpp"

namespace cascade {

using supervision_time = std::chrono::steady_clock::time_point;

// Whether a child that ended by itself is started again. `abnormal`: neither normal nor
// user_shutdown.
constexpr bool restarts_after_end(restart_policy policy, bool abnormal) noexcept {
  switch (policy) {
    case restart_policy::permanent:
      return true;
    case restart_policy::transient:
      return abnormal;
    case restart_policy::temporary:
      return false;
  }
  return false;
}

// Whether the failure of the child at position `failed` takes the one at `other` down with it.
// Positions are start order.
constexpr bool shares_fate(restart_strategy strategy, std::uint64_t failed,
                           std::uint64_t other) noexcept {
  switch (strategy) {
    case restart_strategy::one_for_one:
      return other == failed;
    case restart_strategy::one_for_all:
      return true;
    case restart_strategy::rest_for_one:
      return other >= failed;
  }
  return false;
}

// How long the next restart waits after `failures_before` failures in a row: 0, first, 2 * first,
// ... cap.
caf::timespan restart_delay(const std::optional<restart_backoff>& backoff,
                            unsigned failures_before) noexcept;

// The sliding window of restart intensity. A failure exactly `within` ago still counts.
class restart_window {
public:
  restart_window(unsigned restarts_max, caf::timespan within)
      : restarts_max_(restarts_max), within_(within) {}

  // Notes a failure. Returns false when it is one too many.
  [[nodiscard]] bool record(supervision_time now);

  // Failures that still count.
  [[nodiscard]] std::size_t count(supervision_time now) const noexcept;

private:
  unsigned restarts_max_;
  caf::timespan within_;
  std::deque<supervision_time> failures_;  // at most restarts_max + 1
};

// The largest time an orderly stop, or a start, of all children may take: what a supervisor's
// supervisor must grant.
caf::timespan shutdown_budget(const supervisor_spec& spec) noexcept;
caf::timespan ready_budget(const supervisor_spec& spec) noexcept;

// After a kill an actor ends as soon as its handler returns. One that does not is abandoned after
// this.
inline constexpr caf::timespan kill_grace = std::chrono::seconds(5);

}  // namespace cascade
