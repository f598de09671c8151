#include "actors/recorder_impl.hpp"

namespace cascade {
namespace {

// Arrivals are counted at a moment of idleness; without one, this long after the last time. As long
// after a try that found somebody in the way.
constexpr std::chrono::seconds count_wait_max{5};

}  // namespace

bool count_now(const recorder_state& state) { return state.count_due && !writing(state, 1); }

bool begin_count(recorder_self self) {
  auto& state = self->state;
  if (!count_now(state)) return false;
  state.arrived = state.count_due = false;
  state.counting = true;
  state.count_until = self->clock().now() + count_wait_max;
  return true;
}

void end_count(recorder_self self, const flight& f, bool ok) {
  auto& state = self->state;
  if (!f.counts) return;
  state.counting = false;
  if (ok) return;
  state.arrived = true;
  state.count_from = self->clock().now() + count_wait_max;
}

void arrived(recorder_self self) {
  auto& state = self->state;
  const auto now = self->clock().now();
  state.arrived = true;
  if (now >= state.count_from && now >= state.count_until) state.count_due = true;
  pump(self);
}

void fold(recorder_self self) {
  auto& state = self->state;
  const auto now = self->clock().now();
  state.fold_armed = false;
  state.fold_due = std::exchange(state.counters_dirty, false);
  const bool idle = state.queue.empty() && !writing(state);
  if (state.arrived && now >= state.count_from && (idle || now >= state.count_until))
    state.count_due = true;
  pump(self);
  if (!writing(state)) state.counters_dirty = false;
}

}  // namespace cascade
