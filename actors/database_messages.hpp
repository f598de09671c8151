// actors/database_messages.hpp
//
// The gateway, to those who use the database, and the private messages of those that have a connection
// of their own.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/rows.hpp"

namespace cascade {

// The state of the connection and of the lanes. Sent at attach and at every change.
struct database_changed {
  bool up = false;
  bool resumed = false;  // the same epoch goes on after a lost connection: memory is still true
  bool unclean = false;  // the last owner died: tasks may have been in flight
  epoch_id epoch;
  std::vector<std::int64_t> last_batches;  // by writer: the last one committed in this epoch
  std::uint64_t generation = 0;            // rises with each connection
};
using database_user = caf::typed_actor<caf::reacts_to<database_changed>>;
struct attach_database {};  // the sender becomes a user

// Private to the gateway: what the Asio side has to say about connection `generation`.
struct connection_step {
  enum class kind : std::uint8_t { ready, lost, lanes, resumed, taken_over };
  kind what = kind::ready;
  std::uint64_t generation = 0;
  bool ok = false;
  bool unclean = false;
  std::int64_t number = 0;            // lanes got, epoch
  std::vector<std::int64_t> batches;  // resumed: the last one of each writer; none: taken over
  std::string text;
};
struct retention_wake {  // private timer of the retention
  std::uint64_t round = 0;
};
struct retention_answer {  // of the Asio side to it
  std::uint64_t round = 0;
  bool ok = false;
  bool over = false;  // nothing is left to do
  std::string next;   // a statement to run
  std::string problem;
};
struct reconcile_wake {  // private timer of the reconciler
  std::uint64_t round = 0;
};
struct reconcile_answer {  // of the Asio side to it
  std::uint64_t round = 0;
  bool ok = false;
  bool committed = false;
  std::string done;  // by a step, as JSON; empty: the round has begun
  std::string problem;
};
struct reconnect {
  std::uint64_t generation = 0;
};

}  // namespace cascade
