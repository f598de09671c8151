#include "actors/scheduler_impl.hpp"

namespace cascade {
namespace {

slot_set& slots_of(scheduler_data& s, queue_info& q) {
  if (!q.slots) {
    q.slots = std::make_unique<slot_set>();
    q.slots->set_limit(q.key_concurrency);
    s.keyed.push_back(&q);
  }
  return *q.slots;
}

}  // namespace

bool wait_for_slot(scheduler_self self, ready_set::lot_index lot, ready_key& key) {
  auto& s = self->state;
  if ((key.flags & flag_keyed) == 0) return false;
  task_body body = s.take_body(lot, key);
  const std::string name = body.concurrency_key;
  s.keep_body(key, std::move(body));
  slot_set& slots = slots_of(s, *s.lot_queue[lot]);
  if (slots.take(name)) {
    s.holding.emplace(key.id, name);
    return false;
  }
  slots.park(name, {key, lot}, s.handler_classes[key.handler]);
  return true;
}

std::optional<delayed_key> next_slot(scheduler_self self, handler_class c) {
  auto& s = self->state;
  for (;;) {
    queue_info* best = nullptr;
    int priority = -1;
    for (queue_info* q : s.keyed) {
      const auto top = q->slots->top(c);
      if (!top || *top <= priority || !q->open() || (q->rates && q->rates->queue_wait(s.now)))
        continue;
      best = q;
      priority = *top;
    }
    if (best == nullptr) return std::nullopt;
    const auto lot = s.ready.choose(c, [&s](ready_set::lot_index l) { return s.may_serve(l); });
    if (lot && s.ready.top(*lot) > priority) return std::nullopt;
    slot_set::started next = best->slots->pop(c);
    s.holding.emplace(next.what.key.id, next.key);
    if (usable(self, next.what.lot, next.what.key)) {
      if (!wait_for_turn(self, next.what.lot, next.what.key)) return next.what;
    } else {
      let_go(self, next.what.lot, next.what.key.id);
    }
  }
}

void let_go(scheduler_self self, ready_set::lot_index lot, task_id id) {
  auto& s = self->state;
  if (const auto held = s.holding.extract(id)) s.lot_queue[lot]->slots->give_back(held.mapped());
}

void occupy(scheduler_self self, const running_task& t) {
  auto& s = self->state;
  ++s.lot_queue[t.lot]->running;
  if (!t.concurrency_key.empty()) slots_of(s, *s.lot_queue[t.lot]).hold(t.concurrency_key);
}

void leave(scheduler_self self, const running_task& t) {
  queue_info& q = *self->state.lot_queue[t.lot];
  --q.running;
  if (!t.concurrency_key.empty()) q.slots->give_back(t.concurrency_key);
}

void leave_when_stopped(scheduler_self self, task_id id, running_task&& t) {
  auto& s = self->state;
  if (t.quick && s.quick_out > 0) --s.quick_out;
  self->send(s.pool, cancel_run{id});
  if (s.careful_runs.contains(id) || !s.stopping.try_emplace(id, std::move(t)).second)
    leave(self, t);
}

}  // namespace cascade
