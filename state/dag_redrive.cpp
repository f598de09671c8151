// Another round for what failed and for what was skipped because of it.
#include "state/assert.hpp"
#include "state/dag.hpp"
#include "state/dag_scope.hpp"

namespace cascade {

decisions job_graph::redrive() {
  CASCADE_ASSERT(started_);
  std::vector<bool> marked(steps_.size());
  for (step_index i = 0; i < steps_.size(); ++i)
    marked[i] = !steps_[i].items.empty() ||
                (steps_[i].phase == step_phase::settled && steps_[i].row != task_state::completed);
  return redrive_marked(marked, std::nullopt);
}

decisions job_graph::redrive(step_index step, int item) {
  CASCADE_ASSERT(started_ && step < steps_.size());
  const step_run& run = steps_[step];
  const bool of_items = !run.items.empty();
  if (of_items != (item >= 0) || (of_items && static_cast<std::size_t>(item) >= run.items.size()))
    return {};
  const task_state state = of_items ? run.items[static_cast<std::size_t>(item)].state : run.row;
  if (!is_failure(state) || (!of_items && run.phase != step_phase::settled)) return {};
  std::vector<bool> marked(steps_.size());
  mark_skipped_behind(step, marked);
  return redrive_marked(marked, of_items ? std::optional(item) : std::nullopt);
}

// The step, and skipped steps that can be reached from it through skipped steps only.
void job_graph::mark_skipped_behind(step_index i, std::vector<bool>& marked) const {
  std::vector<step_index> open{i};
  marked[i] = true;
  while (!open.empty()) {
    const step_index at = open.back();
    open.pop_back();
    for (const step_index d : plan_->graph().dependents[at]) {
      if (marked[d] || steps_[d].phase != step_phase::settled ||
          steps_[d].row != task_state::skipped)
        continue;
      marked[d] = true;
      open.push_back(d);
    }
  }
}

void job_graph::reset_items(step_index i, std::optional<int> only, decisions& out) {
  step_run& run = steps_[i];
  bool missing = false;
  for (std::size_t n = 0; n < run.items.size(); ++n) {
    item_run& item = run.items[n];
    const bool again = is_finished(item.state) && item.state != task_state::completed;
    if (!again || (only && *only != static_cast<int>(n))) continue;
    ++run.open_items;
    if (item.present) {
      out.reopened.push_back({i, static_cast<int>(n)});
      out.released.push_back({i, static_cast<int>(n), std::nullopt});
      item.state = task_state::pending;
      ++active_count_;
    } else {
      item.state = task_state::waiting;
      missing = true;
    }
  }
  run.error = nullptr;
  if (run.open_items > 0 && run.phase == step_phase::settled) {
    run.phase = step_phase::active;
    ++unsettled_count_;
  }
  for (std::size_t n = 0; n < run.items.size() && run.error.is_null(); ++n)
    if (is_failure(run.items[n].state)) run.error = "item " + std::to_string(n) + " failed";
  if (missing) expand_step(i, out);
}

decisions job_graph::redrive_marked(const std::vector<bool>& marked, std::optional<int> only_item) {
  decisions out;
  // A job that is being cancelled must end first; one that completed has nothing to do again.
  if (ended_ ? end_state_ == job_state::completed : cancelling_) return out;
  cancelling_ = false;
  ended_ = false;
  for (const step_index i : plan_->graph().order) {
    if (!marked[i]) continue;
    step_run& run = steps_[i];
    if (!run.items.empty()) {
      reset_items(i, only_item, out);
      continue;
    }
    run.phase = step_phase::blocked;  // `row` and `cause` still say what is written down
    run.error = nullptr;
    run.result = nullptr;
    ++unsettled_count_;
  }
  count_open_dependencies();
  ready_.clear();
  for (const step_index i : plan_->graph().order) {
    if (!marked[i] || steps_[i].phase != step_phase::blocked) continue;
    if (steps_[i].open_dependencies == 0) {
      decide(i, out);
    } else {
      reopen_row(i, out);
    }
  }
  decide_ready(out);
  finish_if_done(out);
  return out;
}

}  // namespace cascade
