// state/workflow_plan.hpp
//
// A checked definition made ready to run: indexes, dependents, an order, compiled expressions.
// Built once for a version of a workflow and shared, immutable, by all its jobs and by any number
// of threads.
//
// Cost   make: O(steps + dependencies) and one compilation of each expression.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "state/expression.hpp"
#include "state/json_template.hpp"
#include "state/step_graph.hpp"
#include "state/workflow.hpp"

namespace cascade {

struct step_plan {
  std::optional<json_template> input;
  std::optional<expression> when;
  std::optional<expression> for_each;
  std::optional<expression> wait_until;
  bool result_needed = false;  // somebody reads this step's result: job_graph keeps it in memory
};

class workflow_plan {
public:
  // Fails with the problems of check_workflow.
  static expected<std::shared_ptr<const workflow_plan>, std::vector<definition_problem>> make(
      std::shared_ptr<const workflow_definition> definition);

  const workflow_definition& definition() const noexcept { return *definition_; }
  const step_definition& step(step_index i) const { return definition_->steps[i]; }
  const step_plan& plan(step_index i) const { return steps_[i]; }
  std::uint32_t step_count() const noexcept { return static_cast<std::uint32_t>(steps_.size()); }
  std::optional<step_index> find(std::string_view name) const;
  const step_graph& graph() const noexcept { return graph_; }
  const std::optional<json_template>& result() const noexcept { return result_; }

private:
  friend class plan_builder;
  workflow_plan() = default;

  std::shared_ptr<const workflow_definition> definition_;
  std::vector<step_plan> steps_;
  step_graph graph_;
  std::unordered_map<std::string_view, step_index> by_name_;  // views into definition_
  std::optional<json_template> result_;
};

}  // namespace cascade
