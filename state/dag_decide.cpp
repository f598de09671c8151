// What becomes of a step once its dependencies are settled, and of the job once its steps are.
#include <algorithm>
#include <cmath>

#include "state/dag.hpp"
#include "state/dag_scope.hpp"
#include "state/expression_code.hpp"
#include "state/instant_text.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace cascade {

using nlohmann::json;

namespace {

std::string described(std::string_view what, const expression_error& e) {
  return std::string(what) + ", column " + std::to_string(e.offset + 1) + ": " + e.message;
}

std::string described(std::string what, const template_error& e) {
  for (const std::string& key : e.path) what += "." + key;
  return described(what, {e.message, e.offset});
}

std::optional<instant> instant_of_seconds(double seconds) {
  constexpr double seconds_max = 253'402'300'799;  // the end of 9999
  if (!(seconds >= 0 && seconds <= seconds_max)) return std::nullopt;
  return instant(std::chrono::microseconds(std::llround(seconds * 1e6)));
}

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

}  // namespace

void job_graph::decide_ready(decisions& out) {
  for (std::size_t at = 0; at < ready_.size(); ++at) {  // grows while steps are skipped
    const step_index i = ready_[at];
    if (steps_[i].open_dependencies != 0) continue;
    if (steps_[i].incomplete) {
      expand_step(i, out);
      settle_items(i);
    } else if (steps_[i].phase != step_phase::blocked) {
      continue;
    } else if (cancelling_) {
      skip_step(i, skip_cause::job_cancelled, job_cancelled_text, out);
    } else {
      decide(i, out);
    }
  }
  ready_.clear();
}

void job_graph::decide(step_index i, decisions& out) {
  verdict v = run_verdict(i);
  if (!v.run) return skip_step(i, v.cause, std::move(v.reason), out);
  bool holds = true;
  if (!evaluate_when(i, out, holds)) return;
  if (!holds) return skip_step(i, skip_cause::condition, "its condition is false", out);
  if (plan_->plan(i).for_each) {
    expand_step(i, out);
  } else {
    release_plain(i, out);
  }
}

bool job_graph::counts_as_failed(step_index i) const { return is_failure(steps_[i].row); }

job_graph::verdict job_graph::run_verdict(step_index i) const {
  const run_rule rule = plan_->step(i).run;
  if (rule == run_rule::all_done) return {};
  const step_index* failed = nullptr;   // failed, or skipped because of a failure
  const step_index* skipped = nullptr;  // not needed
  const step_index* excused = nullptr;  // failed, and may
  for (const step_index& d : plan_->graph().depends_on[i]) {
    const step_run& run = steps_[d];
    if (counts_as_failed(d)) {
      const step_index*& to = plan_->step(d).allow_failure ? excused : failed;
      if (!to) to = &d;
    } else if (run.row == task_state::skipped && run.cause == skip_cause::upstream_failed) {
      if (!failed) failed = &d;
    } else if (run.row == task_state::skipped && run.cause != skip_cause::empty_fan_out) {
      if (!skipped) skipped = &d;
    }
  }
  if (rule == run_rule::one_failed) {
    if (failed || excused) return {};
    return {false, skip_cause::condition, "nothing it depends on failed"};
  }
  const auto name = [&](const step_index* d) { return quoted(plan_->step(*d).name); };
  if (failed && steps_[*failed].row == task_state::skipped)
    return {false, skip_cause::upstream_failed,
            "step " + name(failed) + " was skipped after a failure"};
  if (failed)
    return {false, skip_cause::upstream_failed,
            "step " + name(failed) + " is " + std::string(to_string(steps_[*failed].row))};
  if (skipped) return {false, skip_cause::condition, "step " + name(skipped) + " was skipped"};
  return {};
}

// False when the condition itself failed, and with it the step.
bool job_graph::evaluate_when(step_index i, decisions& out, bool& holds) {
  const auto& when = plan_->plan(i).when;
  if (!when) return true;
  auto value = when->evaluate(job_scope(*this));
  if (value && value.value().is_boolean()) {
    holds = value.value().get<bool>();
    return true;
  }
  fail_step(i,
            value ? "when: expected true or false, found " + shown(value.value())
                  : described("when", value.error()),
            out);
  return false;
}

// False when the time cannot be told, and the step failed.
bool job_graph::wait_until(step_index i, decisions& out, std::optional<instant>& run_at) {
  const auto& until = plan_->plan(i).wait_until;
  if (!until) return true;
  auto value = until->evaluate(job_scope(*this));
  if (value && value.value().is_null()) return true;
  if (value && value.value().is_string())
    run_at = parse_instant(value.value().get_ref<const std::string&>());
  if (value && value.value().is_number()) run_at = instant_of_seconds(value.value().get<double>());
  if (run_at) return true;
  fail_step(i,
            value ? "wait_until: expected a time such as 2026-03-29T02:30:00+01:00, found " +
                        shown(value.value())
                  : described("wait_until", value.error()),
            out);
  return false;
}

std::optional<json> job_graph::payload(step_index i, const json* item, int index, std::size_t& work,
                                       std::string& error) const {
  const auto& input = plan_->plan(i).input;
  json out = json::object();
  if (input) {
    auto value = item ? input->evaluate(job_scope(*this, item, index), work)
                      : input->evaluate(job_scope(*this), work);
    if (!value) {
      error = described(item ? "input of item " + std::to_string(index) : std::string("input"),
                        value.error());
      return std::nullopt;
    }
    out = std::move(value).value();
  } else if (item) {
    out = *item;
    work -= std::min(work, json_weight(out, work));
  }
  if (json_weight(out, limits::payload_bytes_max) > limits::payload_bytes_max) {
    error = "the input is larger than " + std::to_string(limits::payload_bytes_max) + " bytes";
    return std::nullopt;
  }
  return out;
}

void job_graph::release_plain(step_index i, decisions& out) {
  std::string error;
  std::size_t work = evaluation_work_max;
  auto value = payload(i, nullptr, -1, work, error);
  if (!value) return fail_step(i, std::move(error), out);
  std::optional<instant> run_at;
  if (!wait_until(i, out, run_at)) return;
  step_run& run = steps_[i];
  reopen_row(i, out);
  out.released.push_back({i, -1, std::move(value), run_at});
  run.phase = step_phase::active;
  run.row = task_state::pending;
  run.released = true;
  ++active_count_;
}

// The list of items.
std::optional<json> job_graph::fan_out(step_index i, std::string& error) const {
  auto list = plan_->plan(i).for_each->evaluate(job_scope(*this));
  if (!list) {
    error = described("for_each", list.error());
  } else if (!list.value().is_array()) {
    error = "for_each: expected a list, found " + shown(list.value());
  } else if (list.value().size() > limits::fan_out_max) {
    error = "for_each: " + std::to_string(list.value().size()) +
            " items are more than the limit of " + std::to_string(limits::fan_out_max);
  } else {
    return std::move(list).value();
  }
  return std::nullopt;
}

// Also completes an expansion that was written only in part: then some items are present already.
void job_graph::expand_step(step_index i, decisions& out) {
  step_run& run = steps_[i];
  std::string error;
  const auto list = fan_out(i, error);
  run.incomplete = false;
  if (!list && run.items.empty()) return fail_step(i, std::move(error), out);
  if (!list) return;  // it is complete, or its missing items cannot be known any more
  if (list->empty() && run.items.empty()) {
    run.result = json::array();
    return skip_step(i, skip_cause::empty_fan_out, "there are no items", out);
  }
  decisions::expand expansion{i, static_cast<int>(std::max(list->size(), run.items.size())), {}};
  std::size_t bytes_left = fan_out_bytes_max;
  for (std::size_t n = 0; n < list->size(); ++n) {
    if (n < run.items.size() && run.items[n].present) continue;
    std::size_t work = std::min(evaluation_work_max, bytes_left);
    const std::size_t before = work;
    auto value = payload(i, &(*list)[n], static_cast<int>(n), work, error);
    bytes_left -= before - work;
    if (!value || bytes_left == 0)
      return fail_step(i, value ? "the inputs of all items are too large" : error, out);
    expansion.items.push_back({static_cast<int>(n), std::move(*value)});
  }
  if (expansion.items.empty() || !wait_until(i, out, expansion.run_at)) return;
  const bool fresh = run.items.empty();
  if (fresh) reopen_row(i, out);
  run.open_items +=
      static_cast<std::uint32_t>(list->size() - std::min(list->size(), run.items.size()));
  run.items.resize(std::max(list->size(), run.items.size()));
  for (const auto& entry : expansion.items)
    run.items[static_cast<std::size_t>(entry.item)] = {task_state::pending, true};
  active_count_ += expansion.items.size();
  if (plan_->plan(i).result_needed) {
    if (!run.result.is_array()) run.result = json::array();
    auto& results = run.result.get_ref<json::array_t&>();
    results.resize(run.items.size());
  }
  run.phase = step_phase::active;
  run.placeholder = false;
  out.expanded.push_back(std::move(expansion));
}

// A finished row that is to be used again, in another round.
void job_graph::reopen_row(step_index i, decisions& out) {
  step_run& run = steps_[i];
  if (!is_finished(run.row)) return;
  out.reopened.push_back({i, -1});
  run.row = task_state::waiting;
  run.cause = skip_cause::none;
}

void job_graph::skip_step(step_index i, skip_cause cause, std::string reason, decisions& out) {
  step_run& run = steps_[i];
  const bool empty = cause == skip_cause::empty_fan_out;
  const bool written =
      run.row == task_state::skipped && empty == (run.cause == skip_cause::empty_fan_out);
  run.error = reason;
  if (!written) {
    reopen_row(i, out);
    out.skipped.push_back(
        {i, -1, std::move(reason), empty ? std::optional(json::array()) : std::nullopt});
  }
  settle_step(i, task_state::skipped, cause);
}

void job_graph::fail_step(step_index i, std::string error, decisions& out) {
  step_run& run = steps_[i];
  error = storable_text(error, limits::error_bytes_max);
  run.error = error;
  if (run.row != task_state::failed) {
    reopen_row(i, out);
    out.failed.push_back({i, -1, std::move(error)});
  }
  settle_step(i, task_state::failed, skip_cause::none);
}

void job_graph::finish_if_done(decisions& out) {
  if (ended_ || unsettled_count_ > 0) return;
  ended_ = true;
  if (cancelling_) {
    end_state_ = job_state::cancelled;
    out.end = decisions::job_end{end_state_, nullptr, "cancelled"};
    return;
  }
  std::size_t failures = 0;
  std::string error;
  for (step_index i = 0; i < steps_.size(); ++i) {
    if (!counts_as_failed(i) || plan_->step(i).allow_failure || failures++ > 0) continue;
    error = "step " + quoted(plan_->step(i).name) + " is " + std::string(to_string(steps_[i].row));
    if (steps_[i].error.is_string()) error += ": " + steps_[i].error.get<std::string>();
  }
  if (failures > 1)
    error = storable_text(error, limits::error_bytes_max - 100) + " (and " +
            std::to_string(failures - 1) + " more)";
  json value;
  if (failures == 0 && plan_->result()) {
    auto made = plan_->result()->evaluate(job_scope(*this));
    if (made) {
      value = std::move(made).value();
    } else {
      error = described("result", made.error());
    }
  } else if (failures == 0) {
    value = json::object();
    for (step_index i = 0; i < steps_.size(); ++i)
      if (plan_->graph().dependents[i].empty()) value[plan_->step(i).name] = steps_[i].result;
  }
  if (json_weight(value, limits::result_bytes_max) > limits::result_bytes_max) {
    error = "the result of the job is larger than " + std::to_string(limits::result_bytes_max) +
            " bytes";
    value = nullptr;
  }
  end_state_ = error.empty() ? job_state::completed : job_state::failed;
  out.end = decisions::job_end{end_state_, std::move(value),
                               storable_text(error, limits::error_bytes_max)};
}

}  // namespace cascade
