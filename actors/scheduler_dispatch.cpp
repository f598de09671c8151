#include "actors/decode.hpp"
#include "actors/scheduler_impl.hpp"
#include "sql/queries.hpp"
#include "state/assert.hpp"

namespace cascade {
namespace {

constexpr std::size_t fetch_rows_max = 1'000;

void adopt(scheduler_self self, const arrival& a, const running_now& r) {
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
  if (!t.written) s.unwritten.emplace_front(self->clock().now(), a.id);
  ++s.lot_queue[t.lot]->running;
  s.running.emplace(a.id, std::move(t));
}

// Drops a key that is void; parks one whose job is paused. True when it may run.
bool usable(scheduler_self self, ready_set::lot_index lot, const ready_key& key) {
  auto& s = self->state;
  if (!s.void_tasks.empty() && s.void_tasks.erase(key.id) > 0) {
    if (const auto job = s.jobs.find(key.job); job != s.jobs.end()) {
      if (job->second.voided > 0) --job->second.voided;
      close_tasks(self, key.job, 1);
    }
    return false;
  }
  if (!key.job) return true;
  if (s.void_jobs.contains(key.job)) return false;
  const auto job = s.jobs.find(key.job);
  if (job == s.jobs.end() || !job->second.paused) return true;
  job->second.parked.emplace_back(lot, key);
  return false;
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

void fetch(scheduler_self self, handler_class c, ready_set::lot_index lot, ready_key first) {
  auto& s = self->state;
  auto& keys = s.fetching[static_cast<std::size_t>(c)];
  const std::size_t wanted =
      c == handler_class::quick ? fetch_rows_max : std::max<std::size_t>(64, s.free_slots * 2);
  keys.emplace_back(lot, first);
  const auto may_serve = [&](ready_set::lot_index l) {
    return s.may_serve(l) && s.ready.front(l).body == 0;
  };
  while (keys.size() < std::min(wanted, fetch_rows_max)) {
    const auto next = s.ready.choose(c, may_serve);
    if (!next) break;
    const ready_key key = s.ready.pop(*next);
    if (usable(self, *next, key)) keys.emplace_back(*next, key);
  }
  std::vector<std::int64_t> ids;
  ids.reserve(keys.size());
  for (const auto& [l, key] : keys) ids.push_back(key.id.value);
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::fetch_bodies, pg::params{}.int8s(ids).texts(s.context->settings.tags));
  s.context->database->read(std::move(batch),
                            [to = caf::actor_cast<scheduler_actor>(self), generation = s.generation,
                             quick = c == handler_class::quick](pg::batch_reply reply) {
                              bodies_fetched b;
                              b.generation = generation;
                              b.quick = quick;
                              b.ok = reply.has_value();
                              if (reply) {
                                inbox_page page;
                                decode_inbox(reply.value().front(), page);
                                b.tasks = std::move(page.tasks);
                              }
                              caf::anon_send(to, std::move(b));
                            });
}

// A task that was cancelled while its back-off was being written, and lives again: its old key would
// lie about until then, and the new one be taken for it.
void drop_void_delay(scheduler_self self, task_id id) {
  auto& s = self->state;
  if (!s.void_tasks.contains(id)) return;
  if (const auto old = s.delayed.cancel(id)) usable(self, old->lot, old->key);
}

}  // namespace

void accept(scheduler_self self, arrival&& a, settlement& out) {
  auto& s = self->state;
  ++s.arrived;
  if (a.job) {
    if (s.void_jobs.contains(a.job)) return;
    ++job_entry(self, a.job, nullptr, false).open;
  }
  if (!s.void_tasks.empty()) drop_void_delay(self, a.id);
  if (const auto r = s.adoptable.find(a.id); r != s.adoptable.end()) {
    const running_now known = r->second;
    s.adoptable.erase(r);
    const int expected = a.state == task_state::running ? a.attempt : a.attempt + 1;
    if (known.attempt == expected) return adopt(self, a, known);
    self->send(s.pool, cancel_run{a.id});
  }
  ready_key key;
  key.id = a.id;
  key.job = a.job;
  key.handler = s.handler_of(a.body.handler, !a.body.command.empty());
  key.attempt = static_cast<std::int16_t>(a.attempt);
  key.priority = static_cast<std::uint8_t>(a.priority);
  if (s.careful && !s.loaded) key.flags |= flag_careful;
  const auto lot = s.lot_of(a.body.queue, key.handler);
  if (!a.capable) {
    if (a.reason != waiting_reason::no_capable_worker)
      out.held.push_back({a.id, waiting_reason::no_capable_worker});
    return;
  }
  if (a.due_in_us > 0) {
    s.delayed.put({key, lot}, self->clock().now() + std::chrono::microseconds(a.due_in_us));
    return;
  }
  if (a.has_payload && s.bodies.bytes() < s.context->settings.body_bytes_max)
    s.keep_body(key, std::move(a.body));
  s.ready.push_back(lot, key);
}

void dispatch(scheduler_self self) {
  auto& s = self->state;
  // Whatever brought us here may have been the last thing a drain waits for.
  if (s.draining && s.running.empty() && s.unrecorded == 0 && s.drain_promise.pending())
    s.drain_promise.deliver(drained{0});
  if (!s.up || !s.may_start() || s.draining) return;
  settlement careful;
  for (const handler_class c : {handler_class::slot, handler_class::quick}) {
    std::vector<task_run> runs;
    while (has_room(s, c)) {
      const auto lot = s.ready.choose(c, [&s](ready_set::lot_index l) { return s.may_serve(l); });
      if (!lot) break;
      const ready_key key = s.ready.pop(*lot);
      if (!usable(self, *lot, key)) continue;
      if (key.body != 0) {
        start(self, *lot, key, runs, careful);
        continue;
      }
      if (s.fetching[static_cast<std::size_t>(c)].empty())
        fetch(self, c, *lot, key);
      else
        s.ready.push_front(*lot, key);
      break;
    }
    if (!runs.empty()) self->send(s.pool, run_tasks{std::move(runs), c == handler_class::quick});
  }
  if (!careful.started.empty()) {
    std::vector<task_id> ids;
    for (const auto& r : careful.started) ids.push_back(r.id);
    s.careful_tickets.emplace(s.ticket + 1, std::move(ids));
    submit(self, std::move(careful), {});
  }
  if (s.held_back && s.ready.size() < s.context->settings.ready_max / 2) {
    s.held_back = false;
    if (auto inbox = caf::actor_cast<inbox_actor>(s.inbox)) self->send(inbox, page_taken{true});
  }
  arm_wake(self);
}

void bodies_arrived(scheduler_self self, bodies_fetched& b) {
  auto& s = self->state;
  if (b.generation != s.generation) return;
  auto keys = std::exchange(
      s.fetching[static_cast<std::size_t>(b.quick ? handler_class::quick : handler_class::slot)],
      {});
  std::unordered_map<task_id, arrival*> found;
  for (arrival& a : b.tasks) found.emplace(a.id, &a);
  for (auto it = keys.rbegin(); it != keys.rend(); ++it) {
    auto& [lot, key] = *it;
    if (b.ok) {
      const auto at = found.find(key.id);
      if (at == found.end()) {  // ended meanwhile
        if (key.job) close_tasks(self, key.job, 1);
        continue;
      }
      // A new round may have begun in between. While the load's cursor is open, what comes is as old
      // as the load.
      if (s.loaded) key.attempt = static_cast<std::int16_t>(at->second->attempt);
      s.keep_body(key, std::move(at->second->body));
    }
    s.ready.push_front(lot, key);
  }
  if (b.ok) dispatch(self);
}

void wake_up(scheduler_self self) {
  auto& s = self->state;
  s.wake_at.reset();
  s.quick_cooldown = false;
  const monotonic now = self->clock().now();
  s.delayed.take_due(now, [&s](const delayed_key& d) { s.ready.push_back(d.lot, d.key); });
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
  std::optional<monotonic> at = s.delayed.next();
  if (!s.unwritten.empty()) at = std::min(at.value_or(monotonic::max()), s.unwritten.front().first);
  const monotonic now = self->clock().now();
  if (s.quick_cooldown) at = now + std::chrono::milliseconds(10);
  if (!at || (s.wake_at && *s.wake_at <= *at)) return;
  s.wake_at = at;
  self->delayed_send(self, std::max(*at - now, monotonic::duration::zero()),
                     scheduler_wake{++s.wake});
}

}  // namespace cascade
