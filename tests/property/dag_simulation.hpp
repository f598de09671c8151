// tests/property/dag_simulation.hpp
//
// A table of rows, an owner that crashes, and a slow model of what must come of it all.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "state/dag.hpp"

namespace cascade {

enum class when_kind { none, holds, fails, broken };

struct random_step {
  std::vector<step_index> depends_on;  // of lower numbers
  run_rule run = run_rule::all_success;
  bool allow_failure = false;
  when_kind when = when_kind::none;
  int items = -1;  // -1: not a for_each
  // What the work does, by round (0, 1) and item.
  std::vector<std::vector<task_state>> outcomes;

  task_state outcome(int round, int item) const {
    const auto& of_round = outcomes[static_cast<std::size_t>(round)];
    return of_round[static_cast<std::size_t>(std::max(item, 0)) % of_round.size()];
  }
};

inline std::string step_name(step_index i) { return "s" + std::to_string(i); }

inline nlohmann::json workflow_of(const std::vector<random_step>& steps) {
  nlohmann::json value{{"name", "w"}, {"steps", nlohmann::json::array()}};
  for (step_index i = 0; i < steps.size(); ++i) {
    nlohmann::json step{{"name", step_name(i)},
                        {"handler", "h"},
                        {"run", to_string(steps[i].run)},
                        {"allow_failure", steps[i].allow_failure},
                        {"depends_on", nlohmann::json::array()}};
    for (const step_index d : steps[i].depends_on) step["depends_on"].push_back(step_name(d));
    if (steps[i].when == when_kind::holds) step["when"] = "true";
    if (steps[i].when == when_kind::fails) step["when"] = "false";
    if (steps[i].when == when_kind::broken) step["when"] = "input.missing";
    if (steps[i].items >= 0) step["for_each"] = "range(" + std::to_string(steps[i].items) + ")";
    value["steps"].push_back(std::move(step));
  }
  return value;
}

inline std::shared_ptr<const workflow_plan> plan_of(const std::vector<random_step>& steps) {
  const nlohmann::json value = workflow_of(steps);
  auto definition = read_workflow(value);
  return workflow_plan::make(std::make_shared<workflow_definition>(std::move(definition).value()))
      .value();
}

using row_key = std::pair<step_index, int>;  // step, item

struct row {
  task_state state = task_state::waiting;
  bool released = false;
  std::optional<nlohmann::json> result;
};
using table = std::map<row_key, row>;

inline bool failure(task_state s) {
  return s == task_state::failed || s == task_state::cancelled || s == task_state::quarantined;
}

// -- the model: steps in order, each from the finished ones before it
// ---------------------------------------------------

struct model_step {
  task_state state = task_state::waiting;
  bool because_of_failure = false;
  bool empty = false;
  bool expanded = false;
  std::vector<task_state> items;
};

inline bool model_runs(const std::vector<random_step>& steps, const std::vector<model_step>& done,
                       step_index i, bool& because_of_failure) {
  bool any_failed = false, any_stopping = false, any_skipped = false;
  for (const step_index d : steps[i].depends_on) {
    const bool behind_failure = done[d].state == task_state::skipped && done[d].because_of_failure;
    any_failed |= failure(done[d].state) || behind_failure;
    any_stopping |= (failure(done[d].state) && !steps[d].allow_failure) || behind_failure;
    any_skipped |= done[d].state == task_state::skipped && !behind_failure && !done[d].empty;
  }
  because_of_failure = false;
  if (steps[i].run == run_rule::all_done) return true;
  if (steps[i].run == run_rule::one_failed) return any_failed;
  because_of_failure = any_stopping;
  return !any_stopping && !any_skipped;
}

inline model_step model_fresh(const std::vector<random_step>& steps,
                              const std::vector<model_step>& done, step_index i, int round) {
  model_step out;
  const random_step& step = steps[i];
  if (!model_runs(steps, done, i, out.because_of_failure)) {
    out.state = task_state::skipped;
  } else if (step.when == when_kind::broken) {
    out.state = task_state::failed;
  } else if (step.when == when_kind::fails) {
    out.state = task_state::skipped;
  } else if (step.items < 0) {
    out.state = step.outcome(round, -1);
  } else if (step.items == 0) {
    out.state = task_state::skipped;
    out.empty = true;
  } else {
    out.expanded = true;
    out.state = task_state::completed;
    for (int n = 0; n < step.items; ++n) {
      out.items.push_back(step.outcome(round, n));
      if (failure(out.items.back())) out.state = task_state::failed;
    }
  }
  return out;
}

inline std::vector<model_step> model_run(const std::vector<random_step>& steps, int rounds) {
  std::vector<model_step> out(steps.size());
  for (int round = 0; round < rounds; ++round) {
    const bool fails = std::any_of(steps.begin(), steps.end(), [&](const random_step& s) {
      return round > 0 && !s.allow_failure &&
             failure(out[static_cast<std::size_t>(&s - steps.data())].state);
    });
    if (round > 0 && !fails) break;  // a job that completed has no second round
    for (step_index i = 0; i < steps.size(); ++i) {
      if (out[i].state == task_state::completed) continue;
      if (!out[i].expanded) {
        out[i] = model_fresh(steps, out, i, round);
        continue;
      }
      out[i].state = task_state::completed;
      for (std::size_t n = 0; n < out[i].items.size(); ++n) {
        if (failure(out[i].items[n]))
          out[i].items[n] = steps[i].outcome(round, static_cast<int>(n));
        if (failure(out[i].items[n])) out[i].state = task_state::failed;
      }
    }
  }
  return out;
}

inline job_state model_end(const std::vector<random_step>& steps,
                           const std::vector<model_step>& done) {
  for (step_index i = 0; i < steps.size(); ++i)
    if (failure(done[i].state) && !steps[i].allow_failure) return job_state::failed;
  return job_state::completed;
}

// -- the owner
// -------------------------------------------------------------------------------------------------

class simulation {
public:
  simulation(std::vector<random_step> steps, std::uint64_t seed, bool crashes)
      : steps_(std::move(steps)), plan_(plan_of(steps_)), random_(seed), crashes_(crashes) {
    for (step_index i = 0; i < steps_.size(); ++i) rows[{i, -1}] = {};
    restart();
  }

  table rows;
  std::map<row_key, int> runs;  // how often each task was done, by what it was called when it ran
  std::optional<decisions::job_end> end;
  int round = 0;
  std::string broken;  // the first rule that was

  // Runs until the job ends; with `cancel_after`, cancels it after so many tasks.
  void run(int cancel_after = -1) {
    for (int done = 0; !end && broken.empty(); ++done) {
      if (done == cancel_after) {
        cancelling_ = true;
        apply(graph_->cancel());
        if (end) break;
      }
      std::vector<row_key> active;
      for (const auto& [key, r] : rows)
        if (r.released && !is_finished(r.state)) active.push_back(key);
      check(!active.empty(), "the job neither ends nor has anything to do");
      if (active.empty()) return;
      finish_task(active[below(active.size())]);
    }
  }

  void redrive() {
    end.reset();
    ++round;
    for (auto& [key, r] : rows) r.released = false;
    if (crashes_ && below(3) == 0) restart();
    end.reset();
    apply(graph_->redrive());
  }

private:
  void check(bool holds, std::string rule) {
    if (!holds && broken.empty()) broken = std::move(rule);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  void finish_task(row_key key) {
    row& r = rows.at(key);
    check(ready_to_run(key.first), step_name(key.first) + " was released too early");
    ++runs[key];
    r.state = cancelling_ && below(2) == 0 ? task_state::cancelled
                                           : steps_[key.first].outcome(round, key.second);
    if (r.state == task_state::completed) r.result = key.second;
    if (crashes_ && below(4) == 0) return restart();  // written, but the graph never heard of it
    apply(graph_->settled(key.first, key.second, r.state, r.result.value_or(nullptr), ""));
  }

  bool ready_to_run(step_index i) const {
    // A redriven item does not wait for steps that run again.
    if (round > 0 && steps_[i].items > 0) return true;
    for (const step_index d : steps_[i].depends_on)
      for (const auto& [key, r] : rows)
        if (key.first == d && !is_finished(r.state)) return false;
    return true;
  }

  void restart() {
    graph_.emplace(plan_, nlohmann::json::object(), job_info{job_id{1}});
    std::vector<row_key> order;
    for (const auto& [key, r] : rows) order.push_back(key);
    std::shuffle(order.begin(), order.end(), random_);
    for (const row_key& key : order) {
      const row& r = rows.at(key);
      step_row back;
      back.step = key.first;
      back.item = key.second;
      back.state = r.state;
      if (r.state == task_state::waiting)
        back.reason = r.released ? waiting_reason::retry_backoff : waiting_reason::dependency;
      back.result = r.result;
      graph_->restore(std::move(back));
    }
    if (cancelling_) {
      check(graph_->cancel().empty(), "a cancel before the start decides nothing");
    }
    apply(graph_->start());
  }

  // Writes the decisions, or, in a crash, only some of them.
  void apply(const decisions& d) {
    const bool crash = crashes_ && below(4) == 0;
    for (const auto& x : d.reopened) reopen({x.step, x.item});
    const auto lost = [&] { return crash && below(2) == 0; };
    for (const auto& x : d.released)
      if (!lost()) release({x.step, x.item});
    for (const auto& x : d.expanded)
      for (const auto& entry : x.items)
        if (!lost()) expand(x.step, entry.item);
    for (const auto& x : d.skipped)
      if (!lost()) finish({x.step, x.item}, task_state::skipped, x.result);
    for (const auto& x : d.failed)
      if (!lost()) finish({x.step, x.item}, task_state::failed, {});
    if (crash) return restart();
    for (const auto& x : d.cancelled)
      check(rows.at({x.step, x.item}).released, "what is not released was cancelled");
    if (d.end) {
      check(!end, "a job ends once");
      end = d.end;
    }
  }

  void reopen(row_key key) {
    row& r = rows.at(key);
    check(is_finished(r.state) && r.state != task_state::completed,
          "reopened what was not finished");
    r = {};
  }
  void release(row_key key) {
    row& r = rows.at(key);
    check(r.state == task_state::waiting && !r.released, "released twice");
    r.released = true;
    r.state = below(2) == 0 ? task_state::pending : task_state::waiting;
  }
  void expand(step_index step, int item) {
    if (item == 0) {
      check(rows.contains({step, -1}) && rows[{step, -1}].state == task_state::waiting,
            "expanded twice");
      rows.erase({step, -1});
    }
    check(!rows.contains({step, item}), "an item is there twice");
    rows[{step, item}] = {task_state::pending, true, {}};
  }
  void finish(row_key key, task_state state, const std::optional<nlohmann::json>& result) {
    row& r = rows.at(key);
    check(r.state == task_state::waiting && !r.released, "skipped or failed what was released");
    r.state = state;
    r.result = result;
  }

  std::vector<random_step> steps_;
  std::shared_ptr<const workflow_plan> plan_;
  std::optional<job_graph> graph_;
  std::mt19937_64 random_;
  bool crashes_;
  bool cancelling_ = false;
};

}  // namespace cascade
