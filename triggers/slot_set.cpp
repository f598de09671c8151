#include "triggers/slot_set.hpp"

#include <algorithm>

namespace cascade {

void slot_set::set_limit(int most) {
  if (most == most_) return;
  most_ = most;
  rebuild_open();
}

bool slot_set::take(const std::string& key) {
  const auto at = lines_.find(key);
  if (at != lines_.end() && (at->second.held >= most_ || !at->second.heap.empty())) return false;
  hold(key);
  return true;
}

void slot_set::give_back(const std::string& key) {
  change(key, [](line& l) { l.held = std::max(0, l.held - 1); });
}

void slot_set::park(const std::string& key, const delayed_key& task, handler_class c) {
  change(key, [&](line& l) {
    l.heap.push_back({task, c, ++numbers_});
    std::push_heap(l.heap.begin(), l.heap.end());
  });
  ++parked_;
}

std::optional<std::uint8_t> slot_set::top(handler_class c) const {
  const auto& ready = open_[static_cast<std::size_t>(c)];
  if (ready.empty()) return std::nullopt;
  return ready.begin()->first.what.key.priority;
}

slot_set::started slot_set::pop(handler_class c) {
  const auto& best = *open_[static_cast<std::size_t>(c)].begin();
  started out{best.of->first, best.first.what};
  change(out.key, [](line& l) {
    std::pop_heap(l.heap.begin(), l.heap.end());
    l.heap.pop_back();
    ++l.held;
  });
  --parked_;
  return out;
}

int slot_set::held(const std::string& key) const {
  const auto at = lines_.find(key);
  return at == lines_.end() ? 0 : at->second.held;
}

std::optional<slot_set::waiting> slot_set::find(task_id id) const {
  for (const auto& [key, l] : lines_)
    for (const waiting_task& w : l.heap) {
      if (w.what.key.id != id) continue;
      waiting out{key, w.what, 0};
      for (const waiting_task& other : l.heap) out.before += w < other ? 1 : 0;
      return out;
    }
  return std::nullopt;
}

std::optional<std::uint32_t> slot_set::remove(task_id id) {
  for (const auto& entry : lines_) {
    const auto& heap = entry.second.heap;
    const auto at = std::ranges::find(heap, id, [](const auto& w) { return w.what.key.id; });
    if (at == heap.end()) continue;
    const std::uint32_t body = at->what.key.body;
    const auto index = at - heap.begin();
    change(std::string(entry.first), [index](line& l) {
      l.heap.erase(l.heap.begin() + index);
      std::make_heap(l.heap.begin(), l.heap.end());
    });
    --parked_;
    return body;
  }
  return std::nullopt;
}

void slot_set::reprioritize(const key_match& which, std::uint8_t priority) {
  for (auto& [key, l] : lines_) {
    for (waiting_task& w : l.heap) {
      if (!which(w.what.key.id, w.what.key.job) || w.what.key.priority == priority) continue;
      w.what.key.priority = priority;
      w.number = ++numbers_;
    }
    std::make_heap(l.heap.begin(), l.heap.end());
  }
  rebuild_open();
}

void slot_set::rebuild_open() {
  for (auto& ready : open_) ready.clear();
  for (const auto& entry : lines_)
    if (open(entry.second)) open_set(entry.second).insert({entry.second.heap.front(), &entry});
}

}  // namespace cascade
