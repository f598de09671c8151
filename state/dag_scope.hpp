// state/dag_scope.hpp
//
// Private to dag*.cpp: what the expressions of a job see, and a few words they share.
#pragma once

#include <array>
#include <string>

#include "state/dag.hpp"

namespace cascade {

inline constexpr const char* job_cancelled_text = "the job was cancelled";

constexpr bool is_failure(task_state s) {
  return s == task_state::failed || s == task_state::cancelled || s == task_state::quarantined;
}

// What the expressions of a step can see. Status and error of a step exist from when it is settled.
class job_scope final : public expression_scope {
public:
  explicit job_scope(const job_graph& graph) : graph_(graph) {}
  job_scope(const job_graph& graph, const nlohmann::json* item, int index)
      : graph_(graph), item_(item), index_(index) {}

  const nlohmann::json* variable(std::string_view name) const override {
    if (name == "input") return &graph_.input_;
    if (name == "job") return &graph_.job_;
    if (name == "item") return item_;
    return item_ && name == "index" ? &index_ : nullptr;
  }

  const nlohmann::json* step(std::string_view name, step_field field) const override {
    static const nlohmann::json none;
    static const auto words = [] {
      std::array<nlohmann::json, task_state_names.size()> out;
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::string(task_state_names[i]);
      return out;
    }();
    const auto at = graph_.plan_->find(name);
    if (!at || graph_.steps_[*at].phase != job_graph::step_phase::settled) return nullptr;
    const job_graph::step_run& run = graph_.steps_[*at];
    if (field == step_field::result) return &run.result;
    if (field == step_field::error) return run.row == task_state::completed ? &none : &run.error;
    const bool empty = run.cause == job_graph::skip_cause::empty_fan_out;
    return &words[static_cast<std::size_t>(empty ? task_state::completed : run.row)];
  }

private:
  const job_graph& graph_;
  const nlohmann::json* item_ = nullptr;
  nlohmann::json index_;
};

}  // namespace cascade
