// actors/row_watcher.hpp
//
// What somebody is told who keeps copies of rows: which settlements were committed, in the order of
// their batches, and before their senders are told; and that rows have changed in another way.
#pragma once

#include "actors/messages.hpp"

namespace cascade {

struct committed_settlement {
  settlement what;
  std::optional<job_state> ended;  // as in `recorded`
};
// One transaction. Those of writer 0 are in their order, the others hold only what is loose.
struct batch_committed {
  std::size_t writer = 0;
  std::int64_t number = 0;
  std::vector<committed_settlement> settlements;
};
// Any rows may have: when an epoch begins its load, attempts of a lost node were charged (`loaded`);
// retention takes away what is old.
struct rows_changed {
  bool loaded = false;
};
using row_watcher = caf::typed_actor<caf::reacts_to<batch_committed>, caf::reacts_to<rows_changed>>;

}  // namespace cascade

// Local only: moved between the actors of one node, never serialized.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::batch_committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::rows_changed)
