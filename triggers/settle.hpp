// triggers/settle.hpp
//
// What becomes of a task after an attempt. Pure.
#pragma once

#include <chrono>

#include "executors/handler.hpp"
#include "state/limits.hpp"
#include "state/retry_policy.hpp"
#include "state/task_state.hpp"

namespace cascade {

struct verdict {
  task_state state = task_state::completed;  // waiting: another attempt after `delay`
  std::chrono::microseconds delay{};
  bool snoozed = false;  // the attempt is not used up: the next run has its number again
};

// `policy` is called only when a delay is needed.
template <class Policy>
verdict settle(const outcome& how, int attempt, int attempts_max, Policy&& policy,
               double random01) {
  switch (how.how) {
    case outcome::kind::succeeded:
      return {task_state::completed, {}};
    case outcome::kind::cancelled:
      return {task_state::cancelled, {}};
    case outcome::kind::failed:
      return {task_state::failed, {}};
    case outcome::kind::snoozed:
    case outcome::kind::retry:
      break;
  }
  const auto delay = [&]() -> std::chrono::microseconds {
    return how.retry_in ? *how.retry_in : next_delay(policy(), attempt, random01);
  };
  if (how.how == outcome::kind::snoozed) return {task_state::waiting, delay(), true};
  if (attempt >= attempts_max || attempt >= limits::attempts_max) return {task_state::failed, {}};
  return {task_state::waiting, delay()};
}

}  // namespace cascade
