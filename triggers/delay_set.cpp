#include "triggers/delay_set.hpp"

namespace cascade {

std::optional<delayed_key> delay_set::put(const delayed_key& what, time_point due) {
  const auto [found, fresh] = entries_.emplace(what);
  // Elements of a set are const, but an entry's place on the wheel is not part of its value.
  auto& at = const_cast<entry&>(*found);
  const auto old = fresh ? std::nullopt : std::optional(at.what);
  at.what = what;
  at.what.early = 0;
  const auto time = ticks_up(due.time_since_epoch(), tick);
  if (lead_ == 0 || what.key.body != 0 || time < 2 * lead_) {
    wheel_->schedule(at, time);
  } else {
    wheel_->schedule(at, (time / lead_ - 1) * lead_);
    // (When that has passed, it is the next tick.)
    if (at.due() < time) at.what.early = static_cast<std::uint32_t>(time - at.due());
  }
  return old;
}

std::optional<delayed_key> delay_set::cancel(task_id id) {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return std::nullopt;
  const delayed_key what = at->what;
  entries_.erase(at);  // leaves the wheel as it is destroyed
  return what;
}

std::optional<std::pair<delayed_key, delay_set::time_point>> delay_set::find(task_id id) const {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return std::nullopt;
  return std::pair{at->what, time_point((at->due() + at->what.early) * tick)};
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
