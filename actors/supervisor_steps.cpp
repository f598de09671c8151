// The steps of a supervisor: what happens next, given what is wanted and what has just happened.
#include "actors/supervisor_state.hpp"
#include "state/assert.hpp"

namespace cascade {

void supervisor_state::step() {
  if (stepping_) return;  // called from within a step: the loop below goes on
  stepping_ = true;
  while (!ended_ && advance()) {
  }
  stepping_ = false;
  announce_when_up();
}

// Does one thing. Returns whether there may be more to do before the next message.
bool supervisor_state::advance() {
  if (!stops_.empty()) {
    stop_next();
    return false;
  }
  if (ending_) {
    ended_ = true;
    self_->quit(end_reason_);
    return false;
  }
  return start_next();
}

// Children of the spec stop one by one, last first; added ones, which do not depend on each other,
// all at once.
void supervisor_state::stop_next() {
  const auto can_stop = [](const child& c) {
    return c.phase == child_phase::starting || c.phase == child_phase::running;
  };
  child& last = children_.at(*stops_.rbegin());
  if (!can_stop(last)) return;  // on its way
  if (!last.added) return stop_one(last);
  for (auto order = stops_.rbegin(); order != stops_.rend(); ++order) {
    child& c = children_.at(*order);
    if (c.added && can_stop(c)) stop_one(c);
  }
}

bool supervisor_state::start_next() {
  for (auto order : starts_) {
    if (!coming_up_.empty() && *coming_up_.begin() < order) return false;
    child& c = children_.at(order);
    if (c.phase == child_phase::down) {
      launch(c);
      return true;
    }
    if (gates(c)) return false;  // it waits for its backoff
  }
  return false;
}

// Whether the siblings after `c` wait until it is up: always in a group that shares its fate; with
// one_for_one only in the first start.
bool supervisor_state::gates(const child& c) const {
  return !c.added && (spec_.strategy != restart_strategy::one_for_one || !c.was_up);
}

void supervisor_state::launch(child& c) {
  starts_.erase(c.order);
  c.phase = child_phase::starting;
  c.up_since = {};
  if (c.starts++ > 0) ++restarts_total_;
  caf::error why;
  const supervisor_actor me{self_};
  try {
    c.actor = c.spec.spawn(supervisor_context{self_->system(), me, log_, c.restarts()});
    if (!c.actor) why = caf::make_error(supervisor_errc::start_failed);
  } catch (const std::exception& e) {
    why = caf::make_error(supervisor_errc::start_failed, std::string(e.what()));
  } catch (...) {
    why = caf::make_error(supervisor_errc::start_failed);
  }
  if (why) return ended(c, why);
  orders_by_actor_[c.actor->id()] = c.order;
  self_->monitor<caf::message_priority::high>(c.actor);
  if (!c.spec.awaits_ready) return up(c);
  if (gates(c)) coming_up_.insert(c.order);
  arm(c, c.spec.ready_within);
}

void supervisor_state::up(child& c) {
  disarm(c);
  coming_up_.erase(c.order);
  c.phase = child_phase::running;
  c.was_up = true;
  c.up_since = self_->clock().now();
  emit(supervision_step::child_started, &c, {});
  if (c.on_start.pending()) c.on_start.deliver(child_started{c.actor->id(), c.actor});
  c.on_start = {};
}

void supervisor_state::ended(child& c, const caf::error& reason) {
  const bool stopped_by_us = c.phase == child_phase::stopping || c.phase == child_phase::killing;
  const bool expected = stops_.contains(c.order) || (stopped_by_us && !c.start_missed);
  emit(supervision_step::child_down, &c, reason);
  if (c.actor) orders_by_actor_.erase(c.actor->id());
  c.actor = nullptr;
  c.phase = child_phase::down;
  c.start_missed = false;
  c.last_error = reason;
  disarm(c);
  coming_up_.erase(c.order);
  stops_.erase(c.order);
  answer_stops(c);
  if (ending_ || expected) {
    if (ending_ || c.held) refuse_start(c, caf::make_error(supervisor_errc::shutting_down));
    if (c.held && c.added) forget(c);
    return step();
  }
  const bool abnormal = reason && reason != caf::exit_reason::user_shutdown;
  const bool first_start_failed = c.added && !c.was_up;
  if (!first_start_failed && restarts_after_end(c.spec.restart, abnormal)) return failed(c, reason);
  refuse_start(c, reason ? reason : caf::make_error(supervisor_errc::start_failed));
  if (c.spec.restart == restart_policy::temporary) c.held = true;
  if (c.added) forget(c);
  step();
}

void supervisor_state::failed(child& c, const caf::error& reason) {
  const auto now = self_->clock().now();
  refuse_start(c, reason ? reason : caf::make_error(supervisor_errc::start_failed));
  if (!window_.record(now)) {
    emit(supervision_step::escalating, &c, reason);
    return end(caf::make_error(supervisor_errc::restart_intensity_exceeded,
                               c.spec.name + ": " + error_text(reason)));
  }
  const bool was_steady = c.spec.backoff && c.up_since != supervision_time{} &&
                          now - c.up_since >= c.spec.backoff->steady_after;
  if (was_steady) c.failures_in_row = 0;
  const auto delay = restart_delay(c.spec.backoff, c.failures_in_row++);
  emit(supervision_step::restarting, &c, reason, delay);
  plan_restart(c, delay);
  step();
}

void supervisor_state::plan_restart(child& c, caf::timespan delay) {
  starts_.insert(c.order);
  if (delay.count() > 0) {
    c.phase = child_phase::waiting;
    arm(c, delay);
  }
  if (spec_.strategy == restart_strategy::one_for_one) return;
  for (auto& [order, other] : children_) {
    if (order == c.order || !shares_fate(spec_.strategy, c.order, order)) continue;
    if (other.alive()) stops_.insert(order);
    if (other.spec.restart != restart_policy::temporary) {
      if (!other.held) starts_.insert(order);
    } else if (other.alive()) {
      other.held = true;  // a temporary child goes with the group, and does not come back with it
    }
  }
}

void supervisor_state::stop_one(child& c) {
  if (c.spec.shutdown_within.count() <= 0) return kill_one(c);
  c.phase = child_phase::stopping;
  send_exit_first(c.actor, caf::exit_reason::user_shutdown);
  arm(c, c.spec.shutdown_within);
}

void supervisor_state::kill_one(child& c) {
  c.phase = child_phase::killing;
  send_exit_first(c.actor, caf::exit_reason::kill);
  arm(c, kill_grace);
}

// A deadline of a child passed, or its backoff is over.
void supervisor_state::wake(const supervisor_wake& m) {
  if (ended_) return;
  if (m.child == 0) return step();
  const auto found = children_.find(m.child);
  if (found == children_.end() || found->second.generation != m.generation) return;
  child& c = found->second;
  switch (c.phase) {
    case child_phase::waiting:
      c.phase = child_phase::down;
      return step();
    case child_phase::starting:
      if (stops_.contains(c.order)) return;  // its stop comes soon, in its turn
      c.start_missed = true;
      c.last_error = caf::make_error(supervisor_errc::ready_deadline_missed);
      emit(supervision_step::child_killed, &c, c.last_error);
      return kill_one(c);
    case child_phase::stopping:
      emit(supervision_step::child_killed, &c, {});
      return kill_one(c);
    case child_phase::killing: {
      const auto why = caf::make_error(supervisor_errc::child_abandoned);
      emit(supervision_step::child_abandoned, &c, why);
      self_->demonitor(caf::actor_cast<caf::actor_addr>(c.actor));
      return ended(c, why);
    }
    case child_phase::down:
    case child_phase::running:
      return;  // no timer runs
  }
}

void supervisor_state::end(caf::error reason) {
  if (ending_ || ended_) return;
  ending_ = true;
  end_reason_ = std::move(reason);
  starts_.clear();
  for (auto& [order, c] : children_) {
    if (c.alive()) {
      stops_.insert(order);
      continue;
    }
    c.phase = child_phase::down;
    disarm(c);
    refuse_start(c, caf::make_error(supervisor_errc::shutting_down));
  }
  step();
}

void supervisor_state::announce_when_up() {
  if (announced_ || ending_ || !coming_up_.empty() || !stops_.empty()) return;
  if (!starts_.empty() && !children_.at(*starts_.begin()).added) return;
  announced_ = true;
  if (parent_) self_->send(parent_, child_ready{});
}

}  // namespace cascade
