// actors/supervisor_spec.hpp
//
// What a supervisor is told: its children and its limits, as plain data. Semantics:
// docs/design/supervision.md.
//
// Units   caf::timespan. Every deadline is finite; zero for shutdown_within means "kill at once".
// Thread  spawn is called inside the supervisor: it must return within microseconds and never
//         block.
#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/timespan.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cascade {

enum class restart_policy : std::uint8_t {
  permanent,  // always brought back
  transient,  // brought back only after an abnormal end (neither normal nor user_shutdown)
  temporary,  // never brought back
};

enum class restart_strategy : std::uint8_t {
  one_for_one,   // only the child that failed
  one_for_all,   // all children: they share their fate
  rest_for_one,  // the child that failed and those started after it
};

enum class child_kind : std::uint8_t { worker, supervisor };

// The first restart is immediate, the next ones wait first, 2 * first, ... up to cap. A child that
// was up for steady_after starts over. Choose cap so that restarts_max of them do not fit into
// `within`, and an outage of Postgres never escalates.
struct restart_backoff {
  caf::timespan first = std::chrono::milliseconds(100);
  caf::timespan cap = std::chrono::seconds(5);
  caf::timespan steady_after = std::chrono::seconds(30);
};

struct supervisor_context;

// Starts the child and returns its handle. A null handle or an exception is a failed start.
using spawn_function = std::function<caf::strong_actor_ptr(const supervisor_context&)>;

struct child_spec {
  std::string name;  // unique among its siblings
  spawn_function spawn;
  restart_policy restart = restart_policy::permanent;
  caf::timespan shutdown_within = std::chrono::seconds(5);  // then it is killed
  bool awaits_ready = false;  // it must send child_ready before its next sibling starts
  caf::timespan ready_within =
      std::chrono::seconds(30);  // then it is killed, which counts as a failure
  child_kind kind = child_kind::worker;
  std::optional<restart_backoff> backoff;  // none: restarts are immediate
};

// More than restarts_max failures within `within` end the supervisor itself; its own supervisor
// then decides. Intensities multiply over levels: keep them small.
struct supervisor_spec {
  std::string name;
  restart_strategy strategy = restart_strategy::one_for_one;
  unsigned restarts_max = 3;
  caf::timespan within = std::chrono::seconds(10);
  std::vector<child_spec> children;  // started in this order, stopped in reverse
};

enum class supervision_step : std::uint8_t {
  child_started,    // it runs (and said so, if it had to)
  child_down,       // it ended, for whatever reason
  restarting,       // it will be started again, after `delay`
  escalating,       // too many failures: the supervisor ends
  child_killed,     // a deadline passed
  child_abandoned,  // it did not even end after a kill: its handler never returns
};

struct supervision_event {
  supervision_step step = supervision_step::child_started;
  std::string supervisor;
  std::string child;
  std::uint64_t actor = 0;
  std::string reason;
  caf::timespan delay{};
  unsigned restarts = 0;
};

using supervision_log = std::function<void(const supervision_event&)>;

}  // namespace cascade
