// actors/recorder_impl.hpp
//
// Shared by the recorder's own files only: its state, and when counters are folded and arrivals
// counted (docs/adr/0004-counters.md).
#pragma once

#include <algorithm>
#include <deque>

#include "actors/recorder.hpp"

namespace cascade {

using recorder_impl =
    recorder_actor::extend<caf::reacts_to<batch_answered>, caf::reacts_to<recorder_wake>,
                           caf::reacts_to<drain_over>>;

struct entry {
  settlement what;
  caf::strong_actor_ptr reply_to;
  bool alone = false;     // was part of a refused batch: goes by itself now
  bool stripped = false;  // its results were replaced already
  std::string refused{};  // why; what is left of it says so to its commands
};
struct flight {
  std::int64_t number = 0;
  bool counts = false;  // arrivals
  std::vector<entry> entries;
};
// One connection for batches. The first takes everything in order; the others help out with loose
// settlements when more is queued than one server process can write.
struct writer {
  std::uint64_t generation = 0;
  std::int64_t last_batch = 0;  // the last number committed
  std::deque<flight> flights;
  std::unordered_map<job_id, std::size_t> jobs;  // settlements in flight, by their job
};

struct recorder_state {
  static inline const char* name = "cascade.recorder";
  engine_context_ptr context;
  row_watcher watcher;  // may be null
  bool up = false;
  epoch_id epoch;
  std::optional<database_clock> clock;
  std::vector<writer> writers;
  std::deque<entry> queue;
  std::size_t queued_rows = 0;
  bool counters_dirty = false;
  bool fold_armed = false;
  bool fold_due = false;
  bool arrived = false;    // tasks stand for themselves that the counters could contain
  bool count_due = false;  // the other writers pause until they are counted
  bool counting = false;
  bool closed = false;  // what still comes is not taken
  caf::typed_response_promise<drained> drain_promise;
  monotonic count_from;   // not before
  monotonic count_until;  // from then on whether idle or not
  std::uint64_t committed_batches = 0;
  std::uint64_t committed_rows = 0;
};
using recorder_self = recorder_impl::stateful_pointer<recorder_state>;

inline bool writing(const recorder_state& state, std::size_t from = 0) {
  return std::any_of(state.writers.begin() + static_cast<std::ptrdiff_t>(from), state.writers.end(),
                     [](const writer& w) { return !w.flights.empty(); });
}

// Sends what may be sent.
void pump(recorder_self self);

// recorder_counters.cpp
// Arrivals are to be counted, and no other writer has anything under way.
bool count_now(const recorder_state& state);
// For the first writer's next batch: whether it counts.
bool begin_count(recorder_self self);
// `ok`: it is committed, and nobody was in the way. Any flight may be given.
void end_count(recorder_self self, const flight& f, bool ok);
// Tasks stand for themselves: to be counted at once when that was not done lately, or a reader who
// asks again and again while a long backlog is worked off would look at all of it each time.
void arrived(recorder_self self);
// Time to fold, every fold_every after the first change.
void fold(recorder_self self);

// recorder_drain.cpp
caf::result<drained> begin_drain(recorder_self self, const drain& d);
// Gives the lanes back, once everything that was taken is committed.
void give_back(recorder_self self);
void end_drain(recorder_self self, const drain_over& over);

}  // namespace cascade
