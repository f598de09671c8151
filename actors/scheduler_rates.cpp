#include "actors/scheduler_impl.hpp"

namespace cascade {

void set_queue(scheduler_self self, const queue_settings& row) {
  auto& s = self->state;
  queue_info& q = s.queues[row.name];
  q.paused = row.paused;
  q.concurrency = row.concurrency;
  q.strategy = row.strategy;
  s.slots.set_key_limit(row.name, row.key_concurrency);
  s.slots.set_round_robin(row.name, row.strategy == when_full::round_robin);
  q.weight = row.weight;
  q.tenants = row.tenants;
  for (ready_set::lot_index lot = 0; lot < s.lot_queue.size(); ++lot)
    if (s.lot_queue[lot] == &q) s.ready.set_weights(lot, q.weight, q.tenants);
  if (!q.rates && !row.rate.limited() && !row.key_rate.limited()) return;
  const monotonic now = self->clock().now();
  if (!q.rates) {
    q.rates = std::make_unique<rate_set>(now);
    s.rated.push_back(&q);
  }
  q.rates->set_limits(row.rate, row.key_rate, now);
}

bool wait_for_turn(scheduler_self self, ready_set::lot_index lot, ready_key& key) {
  auto& s = self->state;
  queue_info& q = *s.lot_queue[lot];
  if (!q.rates) return false;
  if (q.rates->keys_limited()) {
    task_body body = s.take_body(lot, key);
    const std::string rate_key = body.rate_key;
    s.keep_body(key, std::move(body));
    if (!rate_key.empty() && !q.rates->take_key(rate_key, s.now)) {
      q.rates->park(rate_key, {key, lot});
      return true;
    }
  }
  q.rates->take_queue(s.now);
  return false;
}

std::optional<delayed_key> next_turn(scheduler_self self, handler_class c) {
  auto& s = self->state;
  for (queue_info* q : s.rated)
    while (!q->turns.empty() && q->open() && !q->rates->queue_wait(s.now)) {
      const delayed_key next = q->turns.front();
      if (s.handler_classes[next.key.handler] != c) break;
      q->turns.pop_front();
      if (!usable(self, next.lot, next.key)) {
        let_go(self, next.key.id);
        continue;
      }
      q->rates->take_queue(s.now);
      return next;
    }
  return std::nullopt;
}

}  // namespace cascade
