#include "triggers/rate_set.hpp"

#include <algorithm>

namespace cascade {

void rate_set::set_limits(const rate_limit& queue, const rate_limit& each, time_point now) {
  if (queue != queue_) {
    queue_ = queue;
    if (!queue.limited())
      whole_.reset();
    else if (!whole_)
      whole_.emplace(queue, start_);
  }
  if (each == each_) return;
  each_ = each;
  for (auto& [key, b] : buckets_)
    if (!b.heap.empty()) arm(b);
  forget_full(now);
}

std::optional<rate_set::time_point> rate_set::queue_wait(time_point now) const {
  if (!whole_) return std::nullopt;
  const time_point at = whole_->next(queue_);
  return at <= now ? std::nullopt : std::optional(at);
}

void rate_set::take_queue(time_point now) {
  if (whole_) whole_->take(queue_, now);
}

bool rate_set::take_key(const std::string& key, time_point now) {
  if (!each_.limited()) return true;
  bucket& b = bucket_of(key, now);
  if (!b.heap.empty() || b.meter.next(each_) > now) return false;
  b.meter.take(each_, now);
  return true;
}

void rate_set::park(const std::string& key, const delayed_key& task) {
  bucket& b = buckets_.at(key);
  b.heap.push_back({task, ++numbers_});
  std::push_heap(b.heap.begin(), b.heap.end());
  ++parked_;
  if (!b.armed()) arm(b);
}

std::optional<rate_set::time_point> rate_set::next() const {
  const auto at = wheel_.next_wakeup();
  if (!at) return std::nullopt;
  return start_ + *at * tick;
}

std::optional<std::uint32_t> rate_set::remove(task_id id) {
  for (auto& [key, b] : buckets_)
    for (auto at = b.heap.begin(); at != b.heap.end(); ++at) {
      if (at->what.key.id != id) continue;
      const std::uint32_t body = at->what.key.body;
      b.heap.erase(at);
      std::make_heap(b.heap.begin(), b.heap.end());
      --parked_;
      return body;  // its timer may find nothing to do
    }
  return std::nullopt;
}

std::vector<delayed_key> rate_set::remove(job_id job) {
  std::vector<delayed_key> out;
  for (auto& [key, b] : buckets_) {
    const auto removed = std::erase_if(b.heap, [&](const waiting_task& w) {
      if (w.what.key.job == job) out.push_back(w.what);
      return w.what.key.job == job;
    });
    if (removed > 0) std::make_heap(b.heap.begin(), b.heap.end());
    parked_ -= removed;
  }
  return out;
}

std::optional<rate_set::turn> rate_set::find(task_id id) const {
  for (const auto& [key, b] : buckets_)
    for (const waiting_task& t : b.heap) {
      if (t.what.key.id != id) continue;
      turn out{key, t.what, 0, start_};
      for (const waiting_task& other : b.heap) out.before += t < other ? 1 : 0;
      if (each_.limited())
        out.at = b.meter.next(each_) + each_.gap() * static_cast<std::int64_t>(out.before);
      return out;
    }
  return std::nullopt;
}

void rate_set::reprioritize(const priority_changes& changes) {
  for (auto& [key, b] : buckets_) {
    bool changed = false;
    for (waiting_task& t : b.heap) {
      const auto priority = changes.of(t.what.key.id, t.what.key.job);
      if (!priority || *priority == t.what.key.priority) continue;
      t.what.key.priority = *priority;
      t.number = ++numbers_;
      changed = true;
    }
    if (changed) std::make_heap(b.heap.begin(), b.heap.end());
  }
}

void rate_set::arm(bucket& b) {
  // Without a limit any more: at the next tick.
  const time_point at = each_.limited() ? b.meter.next(each_) : start_;
  wheel_.schedule(b, ticks_up(at - start_, tick));
}

rate_set::bucket& rate_set::bucket_of(const std::string& key, time_point now) {
  if (const auto at = buckets_.find(key); at != buckets_.end()) return at->second;
  if (buckets_.size() >= sweep_at_) forget_full(now);
  return buckets_.emplace(key, rate_meter(each_, start_)).first->second;
}

void rate_set::forget_full(time_point now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    return entry.second.heap.empty() && (!each_.limited() || entry.second.meter.full(now));
  });
  sweep_at_ = std::max<std::size_t>(1'024, 2 * buckets_.size());
}

}  // namespace cascade
