#include "actors/scheduler_state.hpp"

namespace cascade {

void scheduler_data::keep_body(ready_key& key, task_body&& body) {
  if (body.handler == handlers[key.handler]) body.handler.clear();
  body.queue.clear();  // the lot's
  if (!body.concurrency_key.empty()) key.flags |= flag_keyed;
  key.body = bodies.put(body);
}

task_body scheduler_data::take_body(ready_set::lot_index lot, const ready_key& key) {
  task_body body = bodies.take(key.body);
  if (body.handler.empty()) body.handler = handlers[key.handler];
  body.queue = ready.queue_of(lot);
  return body;
}

std::uint16_t scheduler_data::handler_of(const std::string& handler, bool has_command) {
  const auto [at, made] =
      handler_index.try_emplace(handler, static_cast<std::uint16_t>(handlers.size()));
  if (!made) return at->second;
  // Hostile producers may make up names without end; those beyond the table share the last entry,
  // which is unknown.
  if (handlers.size() >= 60'000) {
    handler_index.erase(at);
    return static_cast<std::uint16_t>(handlers.size() - 1);
  }
  const handler_kind kind = context->run->kind_of(handler, has_command ? "{}" : "");
  handlers.push_back(handler);
  // An unknown handler fails at once, which is quick.
  handler_classes.push_back(kind == handler_kind::worker || kind == handler_kind::unknown
                                ? handler_class::quick
                                : handler_class::slot);
  return at->second;
}

ready_set::lot_index scheduler_data::lot_of(const std::string& queue, std::uint16_t handler) {
  const auto lot = ready.lot(queue, handler_classes[handler]);
  if (lot >= lot_queue.size()) lot_queue.resize(lot + 1);
  if (!lot_queue[lot]) {
    lot_queue[lot] = &queues[queue];
    ready.set_weights(lot, lot_queue[lot]->weight, lot_queue[lot]->tenants);
  }
  return lot;
}

}  // namespace cascade
