#include <algorithm>

#include "actors/scheduler_impl.hpp"
#include "state/assert.hpp"

namespace cascade {
namespace {

running_task adopted(scheduler_self self, const arrival& a, const running_now& r) {
  auto& s = self->state;
  running_task t;
  t.job = a.job;
  t.started = r.started;
  t.timeout_ms = a.body.timeout_ms;
  t.handler = s.handler_of(a.body.handler, !a.body.command.empty());
  t.lot = s.lot_of(a.body.queue, t.handler);
  t.attempt = r.attempt;
  t.attempts_max = a.body.attempts_max;
  t.item = a.body.item;
  t.priority = static_cast<std::uint8_t>(a.priority);
  t.written = a.state == task_state::running;
  t.step = a.body.step;
  t.retry = a.body.retry;
  t.tenant = a.tenant;
  occupy(self, t, a.body.concurrency_key);
  return t;
}

task_run make_run(scheduler_self self, const ready_key& key, task_body&& body) {
  const auto limit = self->state.context->settings.task_timeout;
  task_run run;
  run.id = key.id;
  run.job = key.job;
  run.item = body.item;
  run.attempt = key.attempt + 1;
  run.attempts_max = body.attempts_max;
  run.timeout = body.timeout_ms > 0 ? std::chrono::milliseconds(body.timeout_ms) : limit;
  run.handler = std::move(body.handler);
  run.queue = std::move(body.queue);
  run.step = std::move(body.step);
  run.payload = std::move(body.payload);
  run.command = std::move(body.command);
  return run;
}

void start(scheduler_self self, ready_set::lot_index lot, const ready_key& key,
           std::vector<task_run>& runs, settlement& careful) {
  auto& s = self->state;
  task_body body = s.take_body(lot, key);
  running_task t;
  t.job = key.job;
  t.started = self->clock().now();
  t.timeout_ms = body.timeout_ms;
  t.lot = lot;
  t.attempt = key.attempt + 1;
  t.attempts_max = body.attempts_max;
  t.item = body.item;
  t.handler = key.handler;
  t.priority = key.priority;
  t.quick = s.handler_classes[key.handler] == handler_class::quick;
  t.step = body.step;
  t.retry = body.retry;
  t.tenant = key.tenant;
  if (auto held = s.holding.extract(key.id)) t.slots = std::move(held.mapped().names);
  if (s.start_by.size() != 0) s.start_by.cancel(key.id);
  if (t.quick)
    ++s.quick_out;
  else
    --s.free_slots;
  ++s.lot_queue[lot]->running;
  ++s.dispatched;
  task_run run = make_run(self, key, std::move(body));
  if ((key.flags & flag_careful) != 0) {
    t.written = true;
    careful.started.push_back({key.id, t.attempt, t.started});
    s.careful_runs.emplace(key.id, std::move(run));
  } else {
    if (!t.quick) s.unwritten.emplace_back(t.started + s.context->settings.running_after, key.id);
    runs.push_back(std::move(run));
  }
  s.running.emplace(key.id, std::move(t));
}

bool has_room(const scheduler_data& s, handler_class c) {
  if (c == handler_class::slot) return s.free_slots > 0;
  return !s.quick_cooldown && s.quick_out + s.unrecorded < s.context->settings.quick_max;
}

// A backlog's pages bring more payloads than there is room for: those would be spilled again at once.
bool may_keep(const scheduler_data& s, ready_set::place at, bool backlog) {
  const engine_settings& limits = s.context->settings;
  if (backlog &&
      (s.ready.hot_size() >= limits.ready_max || s.bodies.bytes() >= limits.body_bytes_max))
    return false;
  return s.ready.takes_hot(at, backlog);
}

}  // namespace

void accept(scheduler_self self, arrival&& a, settlement& out, bool backlog, bool loading) {
  auto& s = self->state;
  ++s.arrived;
  if (s.context->settings.ageing.count() > 0) s.ready.tell_time(self->clock().now());
  if (a.job) {
    if (s.void_jobs.contains(a.job)) return;
    ++job_entry(self, a.job, nullptr, false).open;
  }
  // (What a page of a backlog brings is older than the mark.)
  if (!backlog) drop_old_key(self, a.id, a.job);
  if (const auto r = s.adoptable.find(a.id); r != s.adoptable.end()) {
    const running_now known = r->second;
    s.adoptable.erase(r);
    const int expected = a.state == task_state::running ? a.attempt : a.attempt + 1;
    running_task t = adopted(self, a, known);
    if (known.attempt == expected) {
      if (!t.written) s.unwritten.emplace_front(self->clock().now(), a.id);
      s.running.emplace(a.id, std::move(t));
      return;
    }
    leave_when_stopped(self, a.id, std::move(t));
  }
  ready_key key;
  key.id = a.id;
  key.job = a.job;
  key.handler = s.handler_of(a.body.handler, !a.body.command.empty());
  key.attempt = static_cast<std::int16_t>(a.attempt);
  key.priority = static_cast<std::uint8_t>(a.priority);
  key.tenant = a.tenant;
  if (s.careful && loading) key.flags |= flag_careful;
  if (!a.body.concurrency_key.empty()) key.flags |= flag_keyed;
  const auto lot = s.lot_of(a.body.queue, key.handler);
  limit_start(self, a, {key, lot});
  if (!a.capable) {
    if (a.reason != waiting_reason::no_capable_worker)
      out.held.push_back({a.id, waiting_reason::no_capable_worker});
    return;
  }
  if (const instant now = database_now(self); a.due && *a.due > now) {
    if (a.reason == waiting_reason::delay) key.flags |= flag_delay;
    if (a.has_payload && *a.due - now < 2 * body_lead &&
        s.bodies.bytes() < s.context->settings.body_bytes_max / 2)
      s.keep_body(key, std::move(a.body));
    return delay(self, {key, lot}, *a.due);
  }
  if (park_in_turn(self, lot, key, a)) return;
  if (a.has_payload && may_keep(s, s.ready.place_of(lot, key), backlog))
    s.keep_body(key, std::move(a.body));
  s.ready.push_back(lot, key, backlog);
}

void dispatch(scheduler_self self) {
  auto& s = self->state;
  // Whatever brought us here may have been the last thing a drain waits for.
  if (s.draining && s.is_done() && s.drain_promise.pending()) s.drain_promise.deliver(drained{0});
  if (!s.up || !s.may_start() || s.draining) return;
  settlement careful;
  s.looks_left = looks_max;
  s.now = self->clock().now();
  s.ready.tell_time(s.now);
  for (const handler_class c : {handler_class::slot, handler_class::quick}) {
    std::vector<task_run> runs;
    while (has_room(s, c)) {
      if (const auto turn = s.rated.empty() ? std::nullopt : next_turn(self, c)) {
        start(self, turn->lot, turn->key, runs, careful);
      } else if (const auto next = next_lot(self, c); !next) {
        break;
      } else if (next->elsewhere) {
        if (const auto key = next_slot(self, next->lot))
          start(self, next->lot, *key, runs, careful);
      } else {
        ready_key key = s.ready.pop(*next);
        if (usable(self, next->lot, key) && !wait_for_slot(self, next->lot, key) &&
            !wait_for_turn(self, next->lot, key))
          start(self, next->lot, key, runs, careful);
        fetch_ahead(self, c, next->lot);
      }
      // While the first ones are recorded, the others run.
      if (runs.size() < s.context->settings.batch_rows_max) continue;
      self->send(s.pool, run_tasks{std::exchange(runs, {}), c == handler_class::quick});
    }
    if (!runs.empty()) self->send(s.pool, run_tasks{std::move(runs), c == handler_class::quick});
  }
  if (!careful.started.empty()) {
    std::vector<task_id> ids;
    for (const auto& r : careful.started) ids.push_back(r.id);
    s.careful_tickets.emplace(s.ticket + 1, std::move(ids));
    submit(self, std::move(careful), {});
  }
  fetch_waiting(self);
  arm_wake(self);
}

void wake_up(scheduler_self self) {
  auto& s = self->state;
  s.wake_at.reset();
  s.quick_cooldown = false;
  if (std::exchange(s.queues_failed, false) && s.up) load_queues(self);
  take_due(self);
  bound_memory(self);
  const monotonic now = self->clock().now();
  settlement running;
  while (!s.unwritten.empty() && s.unwritten.front().first <= now) {
    const auto at = s.running.find(s.unwritten.front().second);
    s.unwritten.pop_front();
    if (at == s.running.end() || at->second.written) continue;
    at->second.written = true;
    running.started.push_back({at->first, at->second.attempt, at->second.started});
  }
  if (running.rows() > 0) submit(self, std::move(running), {});
  dispatch(self);
}

void arm_wake(scheduler_self self) {
  auto& s = self->state;
  std::optional<monotonic> at = next_due(self);
  if (!s.unwritten.empty()) at = std::min(at.value_or(monotonic::max()), s.unwritten.front().first);
  const monotonic now = self->clock().now();
  if (s.quick_cooldown) at = now + std::chrono::milliseconds(10);
  if (s.queues_failed) at = std::min(at.value_or(monotonic::max()), now + queues_again);
  if (!at) return;
  // A wake-up that is armed cannot be taken back, and every better reading of the clock moves what
  // it is for by a little: only an earlier one is armed anew, and none is far away.
  at = std::clamp<monotonic>(*at, now, now + wake_within);
  if (s.wake_at && *s.wake_at <= *at) return;
  s.wake_at = at;
  self->delayed_send(self, *at - now, scheduler_wake{++s.wake});
}

}  // namespace cascade
