#include <algorithm>

#include "actors/scheduler_impl.hpp"

namespace cascade {
namespace {

slot_name slot_of(job_id job) { return {slot_kind::job, {}, std::to_string(job.value)}; }

void add_needs_of_job(const scheduler_data& s, job_id job, slot_names& needs) {
  if (!job) return;
  if (s.slots.limited(slot_kind::job))
    if (slot_name name = slot_of(job); s.slots.limit(name) > 0) needs.push_back(std::move(name));
  if (!s.slots.limited(slot_kind::workflow)) return;
  const auto j = s.jobs.find(job);
  if (j == s.jobs.end() || j->second.workflow.empty()) return;
  slot_name name{slot_kind::workflow, {}, j->second.workflow};
  if (s.slots.limit(name) > 0) needs.push_back(std::move(name));
}

slot_names needs_of(scheduler_data& s, ready_set::lot_index lot, ready_key& key) {
  slot_names needs;
  if ((key.flags & flag_keyed) != 0) {
    task_body body = s.take_body(lot, key);
    needs.push_back({slot_kind::key, body.queue, body.concurrency_key});
    s.keep_body(key, std::move(body));
  }
  add_needs_of_job(s, key.job, needs);
  return needs;
}

// Counts a slot for a task that has started without it.
void count(scheduler_data& s, const slot_name& name, job_id job, const std::string& workflow,
           slot_names& names) {
  const auto j = s.jobs.find(job);
  const bool its = name.kind == slot_kind::job
                       ? job && slot_of(job) == name
                       : name.name == (j == s.jobs.end() ? workflow : j->second.workflow);
  if (!its || std::ranges::find(names, name) != names.end()) return;
  names.push_back(name);
  s.slots.hold(name);
}

}  // namespace

slot_names needs_of_job(const scheduler_data& s, job_id job) {
  slot_names needs;
  add_needs_of_job(s, job, needs);
  return needs;
}

bool wait_for_slot(scheduler_self self, ready_set::lot_index lot, ready_key& key) {
  auto& s = self->state;
  slot_names needs = needs_of(s, lot, key);
  if (needs.empty()) return false;
  const std::string& queue = s.ready.queue_of(lot);
  const bool keyed = needs.front().kind == slot_kind::key;
  const bool in_turn = keyed && s.lot_queue[lot]->strategy == when_full::round_robin;
  if (keyed && !in_turn && s.slots.held(needs.front()) >= s.slots.limit(needs.front()) &&
      displace(self, lot, key, needs.front()))
    return true;
  if (!keyed && waits_behind(self, lot, key, needs)) {
    s.ready.return_turn(lot, key.priority);
    return true;
  }
  if (!in_turn && s.slots.take(needs)) {
    s.holding.emplace(key.id, held_slots{key.job, std::move(needs)});
    return false;
  }
  s.slots.park(queue, std::move(needs), {key, lot});
  s.ready.return_turn(lot, key.priority);
  return true;
}

bool park_in_turn(scheduler_self self, ready_set::lot_index lot, ready_key& key, arrival& a) {
  auto& s = self->state;
  const std::string queue = s.ready.queue_of(lot);
  if (s.lot_queue[lot]->strategy != when_full::round_robin || a.body.concurrency_key.empty() ||
      !a.has_payload || s.slots.parked(queue) >= parked_max ||
      s.bodies.bytes() >= s.context->settings.body_bytes_max)
    return false;
  s.keep_body(key, std::move(a.body));
  s.slots.park(queue, needs_of(s, lot, key), {key, lot});
  return true;
}

std::optional<ready_key> next_slot(scheduler_self self, ready_set::lot_index lot) {
  auto& s = self->state;
  slot_set::started next = s.slots.pop(lot);
  ready_key key = next.what.key;
  s.ready.take_turn(lot, key.priority);
  if (s.rest.size() > 0) s.rest.look_at({s.ready.queue_of(lot), next.held});
  s.holding.emplace(key.id, held_slots{key.job, next.held});
  if (!usable(self, lot, key)) {
    let_go(self, key.id);
    return std::nullopt;
  }
  if (needs_of(s, lot, key) != next.held) {  // a limit has come or gone since it was parked
    let_go(self, key.id);
    if (wait_for_slot(self, lot, key)) return std::nullopt;
  }
  if (wait_for_turn(self, lot, key)) return std::nullopt;
  return key;
}

void let_go(scheduler_self self, task_id id) {
  auto& s = self->state;
  if (const auto held = s.holding.extract(id)) s.slots.give_back(held.mapped().names);
}

void limit_slot(scheduler_self self, const slot_name& name, int most) {
  auto& s = self->state;
  const bool before = s.slots.limit(name) > 0;
  s.slots.set_limit(name, most);
  if (most > 0 && !before) count_running(self, name);
}

void limit_slot_of(scheduler_self self, job_id job, int most) {
  if (most == 0 && !self->state.slots.limited(slot_kind::job)) return;
  limit_slot(self, slot_of(job), most);
}

void count_running(scheduler_self self, const slot_name& name) {
  auto& s = self->state;
  if (s.slots.limit(name) == 0) return;
  for (auto* tasks : {&s.running, &s.stopping})
    for (auto& [id, t] : *tasks) count(s, name, t.job, t.workflow, t.slots);
  for (auto& [id, h] : s.holding) count(s, name, h.job, {}, h.names);
}

void occupy(scheduler_self self, running_task& t, const std::string& concurrency_key) {
  auto& s = self->state;
  ++s.lot_queue[t.lot]->running;
  if (!concurrency_key.empty())
    t.slots.push_back({slot_kind::key, s.ready.queue_of(t.lot), concurrency_key});
  add_needs_of_job(s, t.job, t.slots);
  for (const slot_name& name : t.slots) s.slots.hold(name);
}

void leave(scheduler_self self, const running_task& t) {
  auto& s = self->state;
  if (!t.counted) return;
  --s.lot_queue[t.lot]->running;
  s.slots.give_back(t.slots);
}

void leave_when_stopped(scheduler_self self, task_id id, running_task&& t) {
  auto& s = self->state;
  if (t.quick && s.quick_out > 0) --s.quick_out;
  self->send(s.pool, cancel_run{id});
  if (const auto j = s.jobs.find(t.job); j != s.jobs.end()) t.workflow = j->second.workflow;
  if (s.careful_runs.contains(id) || !s.stopping.try_emplace(id, std::move(t)).second)
    leave(self, t);
}

}  // namespace cascade
