#include "triggers/ready_set.hpp"

#include <bit>

#include "state/assert.hpp"

namespace cascade {

int ready_set::lot_data::top() const noexcept {
  if (occupied[1] != 0) return 127 - std::countl_zero(occupied[1]);
  if (occupied[0] != 0) return 63 - std::countl_zero(occupied[0]);
  return -1;
}

std::deque<ready_key>& ready_set::lot_data::bucket(int priority) {
  auto& slot = buckets[static_cast<std::size_t>(priority)];
  if (!slot) slot = std::make_unique<std::deque<ready_key>>();
  occupied[static_cast<std::size_t>(priority) / 64] |= std::uint64_t{1} << (priority % 64);
  return *slot;
}

ready_set::lot_index ready_set::lot(const std::string& queue, handler_class c) {
  const auto [at, made] = index_.try_emplace({queue, c}, static_cast<lot_index>(lots_.size()));
  if (made) {
    lots_.push_back(std::make_unique<lot_data>());
    lots_.back()->queue = queue;
    lots_.back()->kind = c;
  }
  return at->second;
}

void ready_set::push_back(lot_index lot, ready_key key) {
  lot_data& l = *lots_[lot];
  l.bucket(key.priority).push_back(key);
  ++l.count;
  ++size_;
}

void ready_set::push_front(lot_index lot, ready_key key) {
  lot_data& l = *lots_[lot];
  l.bucket(key.priority).push_front(key);
  ++l.count;
  ++size_;
}

const ready_key& ready_set::front(lot_index lot) const {
  const lot_data& l = *lots_[lot];
  CASCADE_ASSERT(l.count > 0);
  return l.buckets[static_cast<std::size_t>(l.top())]->front();
}

ready_key ready_set::pop(lot_index lot) {
  lot_data& l = *lots_[lot];
  CASCADE_ASSERT(l.count > 0);
  const int priority = l.top();
  auto& slot = l.buckets[static_cast<std::size_t>(priority)];
  const ready_key key = slot->front();
  slot->pop_front();
  removed(lot, priority, 1);
  l.served = ++clock_;
  return key;
}

void ready_set::removed(lot_index lot, int priority, std::size_t count) {
  lot_data& l = *lots_[lot];
  auto& slot = l.buckets[static_cast<std::size_t>(priority)];
  if (slot && slot->empty()) {
    slot.reset();  // an empty deque keeps half a kilobyte
    l.occupied[static_cast<std::size_t>(priority) / 64] &= ~(std::uint64_t{1} << (priority % 64));
  }
  l.count -= count;
  size_ -= count;
}

}  // namespace cascade
