// actors/batch.hpp
//
// Settlements to the statements of one transaction, and its reply back to what each settlement must
// know. Pure but for the pg types; the order of statements is fixed, so that any mix of settlements
// commits correctly together.
//
// Order   fence, starts, inserts, running, progress, completions, back-offs, releases, holds, unrun, singles,
//         priorities, ends, commands, arrivals, counters.
// Cost    linear in rows; no more than one statement a kind, but for inserts and singles (one
//         each).
#pragma once

#include <span>
#include <vector>

#include "actors/messages.hpp"
#include "pg/session.hpp"

namespace cascade {

// What reading the reply needs to know of a settlement; small, so that it can go to the Asio thread
// by value.
struct settlement_shape {
  std::uint64_t ticket = 0;
  std::size_t rows = 0;
  std::size_t inserts = 0;
  job_id ending;  // the job it ends, or none
  bool priorities = false;
};

struct built_batch {
  std::vector<pg::statement> statements;
  // Positions of the statements whose rows matter: (settlement, statement).
  std::vector<std::pair<std::size_t, std::size_t>> inserts;
  std::size_t ends_at = 0;        // 0: no job ends in this batch
  std::size_t priorities_at = 0;  // 0: none of tasks are changed in this batch
  std::size_t counts_at = 0;      // 0: arrivals are not counted in this batch
  std::vector<settlement_shape> shapes;
};

struct batch_options {
  epoch_id epoch;
  std::size_t writer = 0;
  std::int64_t number = 0;  // of the writer's batch, for the fence
  bool fold_counters = false;
  bool count_arrivals = false;
  monotonic now;                        // ages of starts and ends are counted back from here
  std::optional<std::int64_t> sent_us;  // the database's time then, or a little less, since 1970
};

built_batch build_batch(std::span<const settlement> settlements, const batch_options& options);

// Whether arrivals were to be counted and were not, because somebody else is changing tasks.
bool left_uncounted(const built_batch& batch, const std::vector<pg::rows>& reply);

// What to tell each sender, in the order of the settlements.
std::vector<recorded> read_reply(const built_batch& batch, const std::vector<pg::rows>& reply);

}  // namespace cascade
