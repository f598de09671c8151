// actors/propagator_impl.hpp
//
// Shared by the propagator's own files only: its state, and what it reads.
#pragma once

#include <random>

#include "actors/priority_writes.hpp"
#include "actors/propagator.hpp"
#include "pg/session.hpp"

namespace cascade {

// To the propagator itself, from the Asio side. Never leave the node.
struct priorities_read {
  std::uint64_t round = 0;
  bool ok = false;
  std::string snapshot;
  std::vector<priority_change> changes;
  std::string problem;
};
struct priorities_listed {
  std::uint64_t round = 0;
  bool ok = false;
  std::vector<task_priority> tasks;
  std::string problem;
};
struct propagator_wake {
  std::uint64_t wake = 0;
};

}  // namespace cascade

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::priorities_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::priorities_listed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::propagator_wake)

namespace cascade {

inline constexpr std::size_t priority_page_rows = 10'000;

using propagator_impl =
    propagator_actor::extend<caf::reacts_to<priorities_read>, caf::reacts_to<priorities_listed>,
                             caf::reacts_to<propagator_wake>>;

struct propagator_state {
  static inline const char* name = "cascade.propagator";
  engine_context_ptr context;
  propagator_links links;
  std::shared_ptr<pg::session> session;
  bool up = false;
  std::uint64_t round = 0;  // answers of an earlier connection are void
  std::optional<priority_plan> plan;
  priority_writes writes;
  bool busy = false;       // a step is under way
  bool dirty = false;      // there may be changes to read
  bool just_read = false;  // what is due goes first, or notifications without end would keep it
  bool caught_up = false;  // the scheduler knows what the changes read so far are about
  bool job_turn = false;
  std::string snapshot;  // of the last read that is complete
  std::string page_of;   // the snapshot that the read under way reads up to
  std::int64_t page_after = 0;
  monotonic read_at;  // the next poll; after a failure: not before
  bool failed = false;
  std::uint64_t ticket = 0;
  std::uint64_t wake = 0;
  std::optional<monotonic> wake_at;
  std::minstd_rand random;
  std::uint64_t written = 0, raised = 0, reads = 0, settlements = 0;
  std::string last_problem;

  ~propagator_state() {
    if (session) session->close();
  }
};
using propagator_self = propagator_impl::stateful_pointer<propagator_state>;

// propagator_reads.cpp: on a connection of its own; each answer comes back as a message.
void read_priorities(propagator_self self);  // the next page of changes
void list_tasks(propagator_self self, const priority_writes::listing& what);

}  // namespace cascade
