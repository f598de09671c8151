// The books of a job: rows found, rows settled, cancelling. Another round: dag_redrive.cpp. What
// becomes of a step: dag_decide.cpp.
#include "state/dag.hpp"

#include <algorithm>

#include "state/assert.hpp"
#include "state/dag_scope.hpp"
#include "state/limits.hpp"

namespace cascade {
bool decisions::empty() const noexcept {
  return reopened.empty() && released.empty() && expanded.empty() && skipped.empty() &&
         failed.empty() && cancelled.empty() && !end;
}

job_graph::job_graph(std::shared_ptr<const workflow_plan> plan, nlohmann::json input, job_info job)
    : plan_(std::move(plan)),
      input_(std::move(input)),
      job_({{"id", job.id.value}, {"workflow", plan_->definition().name}}),
      steps_(plan_->step_count()),
      unsettled_count_(plan_->step_count()) {}

// -- restart
// -------------------------------------------------------------------------------------------------

void job_graph::restore(step_row row) {
  CASCADE_ASSERT(!started_ && row.step < steps_.size());
  step_run& run = steps_[row.step];
  if (row.item < 0) {
    run.row = row.state;
    run.released = row.state == task_state::pending || row.state == task_state::running ||
                   (row.state == task_state::waiting && row.reason &&
                    *row.reason != waiting_reason::dependency);
    if (!row.error.empty()) run.error = std::move(row.error);
    // Also for steps whose result nobody reads: [] tells an empty for_each from one that was not
    // needed.
    if (row.result && (plan_->plan(row.step).result_needed || row.state == task_state::skipped))
      run.result = std::move(*row.result);
    return;
  }
  CASCADE_ASSERT(static_cast<std::size_t>(row.item) < limits::fan_out_max &&
                 plan_->plan(row.step).for_each);
  const auto at = static_cast<std::size_t>(row.item);
  if (run.items.size() <= at) run.items.resize(at + 1);
  // A row on its way back through a redrive waits like a step: `waiting` here, anything released is
  // `pending`.
  const bool blocked = row.state == task_state::waiting &&
                       (!row.reason || *row.reason == waiting_reason::dependency);
  run.items[at] = {is_finished(row.state) ? row.state
                   : blocked              ? task_state::waiting
                                          : task_state::pending,
                   true};
  if (row.item == 0) run.placeholder = false;
  if (plan_->plan(row.step).result_needed) {
    if (!run.result.is_array()) run.result = nlohmann::json::array();
    while (run.result.size() <= at) run.result.push_back(nullptr);
    if (row.state == task_state::completed && row.result) run.result[at] = std::move(*row.result);
  }
  if (is_failure(row.state) && run.error.is_null())
    run.error = "item " + std::to_string(row.item) + ": " + row.error;
}

decisions job_graph::start() {
  CASCADE_ASSERT(!started_);
  started_ = true;
  decisions out;
  for (const step_index i : plan_->graph().order) adopt(i, out);
  count_open_dependencies();
  for (const step_index i : plan_->graph().order)
    if (steps_[i].phase == step_phase::blocked && steps_[i].open_dependencies == 0)
      ready_.push_back(i);
  if (cancelling_) cancel_all(out);
  decide_ready(out);
  finish_if_done(out);
  return out;
}

// Takes over what the restored rows of a step say. Its dependencies are done before it.
void job_graph::adopt(step_index i, decisions& out) {
  step_run& run = steps_[i];
  if (!run.items.empty()) return adopt_items(i, out);
  if (is_finished(run.row)) {
    if (run.row == task_state::skipped) run.cause = restored_skip_cause(i);
    // Skipped because of something that was not written itself: decided again when that is.
    if (run.row == task_state::skipped && !cancelling_ && !dependencies_settled(i)) return;
    run.phase = step_phase::settled;
    --unsettled_count_;
  } else if (run.released) {
    run.phase = step_phase::active;
    ++active_count_;
  }
}

void job_graph::adopt_items(step_index i, decisions& out) {
  step_run& run = steps_[i];
  run.phase = step_phase::active;
  for (std::size_t n = 0; n < run.items.size(); ++n) {
    item_run& item = run.items[n];
    if (item.present && item.state == task_state::waiting) {
      item.state = cancelling_ ? task_state::skipped : task_state::pending;
      if (cancelling_) {
        out.skipped.push_back({i, static_cast<int>(n), job_cancelled_text, std::nullopt});
      } else {
        out.released.push_back({i, static_cast<int>(n), std::nullopt});
      }
    }
    if (is_finished(item.state)) continue;
    ++run.open_items;
    if (item.present) ++active_count_;
  }
  // A crash may have cut the expansion short, and the last words of a dependency may be lost with
  // the rest of it.
  run.incomplete = !cancelling_;
  if (run.incomplete && dependencies_settled(i)) expand_step(i, out);
  if (cancelling_) {
    if (run.placeholder) out.skipped.push_back({i, -1, job_cancelled_text, std::nullopt});
    for (item_run& item : run.items)
      if (!item.present && !is_finished(item.state)) {
        item.state = task_state::cancelled;
        --run.open_items;
      }
    run.placeholder = false;
  }
  if (run.phase == step_phase::active) settle_items(i);
}

bool job_graph::dependencies_settled(step_index i) const {
  const auto& needed = plan_->graph().depends_on[i];
  return std::all_of(needed.begin(), needed.end(),
                     [&](step_index d) { return steps_[d].phase == step_phase::settled; });
}

// The cause is not stored; it follows from the dependencies as it did the first time.
job_graph::skip_cause job_graph::restored_skip_cause(step_index i) const {
  const step_run& run = steps_[i];
  if (plan_->plan(i).for_each && run.result.is_array() && run.result.empty())
    return skip_cause::empty_fan_out;
  const verdict v = run_verdict(i);
  return v.run ? skip_cause::condition : v.cause;
}

void job_graph::count_open_dependencies() {
  for (step_index i = 0; i < steps_.size(); ++i) {
    const auto& needed = plan_->graph().depends_on[i];
    steps_[i].open_dependencies =
        static_cast<std::uint32_t>(std::count_if(needed.begin(), needed.end(), [&](step_index d) {
          return steps_[d].phase != step_phase::settled;
        }));
  }
}

// -- progress
// -------------------------------------------------------------------------------------------------

decisions job_graph::settled(step_index step, int item, task_state state, nlohmann::json result,
                             std::string error) {
  CASCADE_ASSERT(started_ && step < steps_.size() && is_finished(state));
  decisions out;
  step_run& run = steps_[step];
  if (run.phase == step_phase::settled) return out;
  const bool keep = state == task_state::completed && plan_->plan(step).result_needed;
  if (run.items.empty()) {
    if (run.released) --active_count_;
    if (keep) run.result = std::move(result);
    if (!error.empty()) run.error = std::move(error);
    settle_step(step, state,
                state == task_state::skipped ? skip_cause::condition : skip_cause::none);
  } else {
    if (item < 0) return out;  // an answer from before the expansion
    const auto at = static_cast<std::size_t>(item);
    CASCADE_ASSERT(at < run.items.size());
    if (is_finished(run.items[at].state)) return out;
    run.items[at] = {state, true};
    if (keep) run.result[at] = std::move(result);
    if (is_failure(state) && run.error.is_null())
      run.error = "item " + std::to_string(item) + ": " + error;
    --active_count_;
    --run.open_items;
    settle_items(step);
  }
  decide_ready(out);
  finish_if_done(out);
  return out;
}

void job_graph::settle_step(step_index i, task_state outcome, skip_cause cause) {
  step_run& run = steps_[i];
  run.phase = step_phase::settled;
  run.row = outcome;
  run.cause = cause;
  run.released = false;
  --unsettled_count_;
  for (const step_index d : plan_->graph().dependents[i])
    if (--steps_[d].open_dependencies == 0) ready_.push_back(d);
}

// When all of them are there and finished.
void job_graph::settle_items(step_index i) {
  const auto& items = steps_[i].items;
  if (steps_[i].open_items > 0 || steps_[i].incomplete) return;
  const bool failure = std::any_of(items.begin(), items.end(),
                                   [](const item_run& r) { return is_failure(r.state); });
  settle_step(i, failure ? task_state::failed : task_state::completed, skip_cause::none);
}

// -- cancelling
// -------------------------------------------------------------------------------------------------

decisions job_graph::cancel() {
  decisions out;
  if (cancelling_ || ended_) return out;
  cancelling_ = true;
  if (!started_) return out;
  cancel_all(out);
  finish_if_done(out);
  return out;
}

void job_graph::cancel_all(decisions& out) {
  for (const step_index i : plan_->graph().order) {
    step_run& run = steps_[i];
    if (run.phase == step_phase::blocked) {
      skip_step(i, skip_cause::job_cancelled, job_cancelled_text, out);
    } else if (run.phase == step_phase::active && run.items.empty()) {
      out.cancelled.push_back({i, -1});
    } else if (run.phase == step_phase::active) {
      run.incomplete = false;
      for (std::size_t n = 0; n < run.items.size(); ++n)
        if (!is_finished(run.items[n].state)) out.cancelled.push_back({i, static_cast<int>(n)});
    }
  }
  ready_.clear();
}

}  // namespace cascade
