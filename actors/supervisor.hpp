// actors/supervisor.hpp
//
// Starts, watches, restarts and stops children, in the manner of OTP. Children are data
// (supervisor_spec.hpp).
//
// In        child_ready (from a child), start_child, stop_child, restart_child, describe,
//           find_child, restart_query.
// Out       exit messages to children (user_shutdown, after the deadline kill); child_ready to
//           `parent`, once, when all children of the spec have been started; supervision events to
//           `log`.
// down_msg  of a child it stopped itself: the next step of the stop. Of any other: the restart
//           policy decides.
// exit_msg  any abnormal one begins an orderly stop in reverse order; the supervisor then ends with
//           its reason. A kill cannot be trapped: the children are killed with it, the parent
//           restarts everything.
// Ends      with restart_intensity_exceeded after too many failures, having stopped its children.
// Restart   forgets everything: added children, counters, failures.
// Cost      O(log children) per event; one_for_all and rest_for_one are O(children) per failure.
// Limits    describe lists at most describe_children_max children; starts and stops have deadlines,
//           all finite.
// Tests     tests/actors/supervisor_test.cpp, supervisor_model_test.cpp
#pragma once

#include "actors/messages.hpp"

namespace cascade {

inline constexpr std::size_t describe_children_max = 256;

// What a spawn function gets. Valid during the call; copy the handle for later.
struct supervisor_context {
  caf::actor_system& system;
  const supervisor_actor& supervisor;  // where child_ready goes
  const supervision_log& log;          // for nested supervisors
  unsigned restarts;                   // of this child so far
};

struct supervisor_options {
  supervision_log log;      // default: log_supervision
  supervisor_actor parent;  // gets child_ready; may be null
};

// Starts a supervisor. It begins with its first child at once, on CAF's pool.
supervisor_actor spawn_supervisor(caf::actor_system& system, supervisor_spec spec,
                                  supervisor_options options = {});

// A supervisor as a child of another: awaits_ready, deadlines that leave room for all below it.
child_spec supervisor_child(supervisor_spec spec,
                            restart_policy restart = restart_policy::permanent);

// Writes an event to spdlog as `cascade.supervisor.<step> supervisor=... child=...`.
void log_supervision(const supervision_event& event);

// Asks an actor to end (user_shutdown), or kills it, ahead of everything else in its mailbox.
void send_exit_first(const caf::strong_actor_ptr& whom, caf::exit_reason reason);

}  // namespace cascade
