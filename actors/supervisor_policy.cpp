#include "actors/supervisor_policy.hpp"

#include <algorithm>

namespace cascade {

caf::timespan restart_delay(const std::optional<restart_backoff>& backoff,
                            unsigned failures_before) noexcept {
  if (!backoff || failures_before == 0) return caf::timespan{0};
  auto delay = std::min(backoff->first, backoff->cap);
  for (unsigned i = 1; i < failures_before && delay < backoff->cap; ++i)
    delay = delay > backoff->cap / 2 ? backoff->cap : delay * 2;
  return std::max(delay, caf::timespan{0});
}

bool restart_window::record(supervision_time now) {
  while (!failures_.empty() && failures_.front() < now - within_) failures_.pop_front();
  failures_.push_back(now);
  return failures_.size() <= restarts_max_;
}

std::size_t restart_window::count(supervision_time now) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(failures_, [&](auto t) { return t >= now - within_; }));
}

namespace {
constexpr caf::timespan level_margin = std::chrono::seconds(1);
}

caf::timespan shutdown_budget(const supervisor_spec& spec) noexcept {
  auto sum = level_margin;
  for (const auto& child : spec.children) sum += child.shutdown_within + kill_grace;
  return sum;
}

caf::timespan ready_budget(const supervisor_spec& spec) noexcept {
  auto sum = level_margin;
  for (const auto& child : spec.children)
    if (child.awaits_ready) sum += child.ready_within;
  return sum;
}

}  // namespace cascade
