#include "actors/scheduler_state.hpp"

#include "state/assert.hpp"

namespace cascade {

std::uint32_t body_store::put(task_body&& body) {
  bytes_ += body.bytes();
  if (free_.empty()) {
    slots_.push_back(std::move(body));
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  slots_[slot] = std::move(body);
  return slot;
}

task_body body_store::take(std::uint32_t slot) {
  CASCADE_ASSERT(slot != 0 && slot < slots_.size());
  task_body out = std::exchange(slots_[slot], task_body{});
  bytes_ -= std::min(bytes_, out.bytes());
  free_.push_back(slot);
  return out;
}

void body_store::release(const freed_bodies& slots) {
  for (const std::uint32_t slot : slots)
    if (slot != 0) take(slot);
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
  if (!lot_queue[lot]) lot_queue[lot] = &queues[queue];
  return lot;
}

}  // namespace cascade
