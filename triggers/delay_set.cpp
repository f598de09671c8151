#include "triggers/delay_set.hpp"

namespace cascade {

void delay_set::put(const delayed_key& what, time_point due) {
  // Elements of a set are const, but an entry's place on the wheel is not part of its value.
  auto& at = const_cast<entry&>(*entries_.emplace(what).first);
  at.what = what;
  wheel_->schedule(at, ticks_up(due.time_since_epoch(), tick));
}

std::optional<delayed_key> delay_set::cancel(task_id id) {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return std::nullopt;
  const delayed_key what = at->what;
  entries_.erase(at);  // leaves the wheel as it is destroyed
  return what;
}

std::size_t delay_set::cancel(job_id job) {
  return std::erase_if(entries_, [job](const entry& e) { return e.what.key.job == job; });
}

std::optional<std::pair<delayed_key, delay_set::time_point>> delay_set::find(task_id id) const {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return std::nullopt;
  return std::pair{at->what, time_point(at->due() * tick)};
}

std::optional<delay_set::time_point> delay_set::next() const {
  const auto at = wheel_->next_wakeup();
  if (!at) return std::nullopt;
  return time_point(*at * tick);
}

void delay_set::set_back() {
  wheel_.emplace();
  for (const entry& e : entries_) wheel_->schedule(const_cast<entry&>(e), e.due());
}

}  // namespace cascade
