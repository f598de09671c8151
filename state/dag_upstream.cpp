// What a step waits for.
#include <algorithm>

#include "state/dag.hpp"

namespace cascade {

bool job_graph::is_open(step_index step, int item) const {
  const step_run& run = steps_[step];
  if (run.items.empty()) return run.phase != step_phase::settled;
  // The row without an item is that of item 0.
  const auto at = static_cast<std::size_t>(std::max(item, 0));
  return at < run.items.size() && run.items[at].present && !is_finished(run.items[at].state);
}

std::vector<std::pair<step_index, int>> job_graph::open_before(step_index step) const {
  std::vector<std::pair<step_index, int>> out;
  std::vector<bool> seen(steps_.size());
  std::vector<step_index> left{step};
  while (!left.empty()) {
    const step_index at = left.back();
    left.pop_back();
    for (const step_index d : plan_->graph().depends_on[at]) {
      if (seen[d]) continue;
      seen[d] = true;
      left.push_back(d);
      const std::size_t items = steps_[d].items.size();
      if (items == 0 && is_open(d, -1)) out.emplace_back(d, -1);
      for (std::size_t i = 0; i < items; ++i)
        if (is_open(d, static_cast<int>(i))) out.emplace_back(d, static_cast<int>(i));
    }
  }
  return out;
}

}  // namespace cascade
