// tests/unit/dag_driver.hpp
//
// Plays the owner of a job graph: one line a task, and what was decided as names of rows.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/dag.hpp"

namespace cascade {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

inline std::shared_ptr<const workflow_plan> plan_of(json steps, json result = nullptr) {
  for (json& step : steps)
    if (!step.contains("handler")) step["handler"] = "work";
  json value{{"name", "w"}, {"steps", std::move(steps)}};
  if (!result.is_null()) value["result"] = std::move(result);
  auto definition = read_workflow(value);
  if (!definition) throw std::runtime_error(definition.error()[0].message);
  auto plan =
      workflow_plan::make(std::make_shared<workflow_definition>(std::move(definition).value()));
  return plan.value();
}

inline job_graph job_of(json steps, json input = json::object(), json result = nullptr) {
  return job_graph(plan_of(std::move(steps), std::move(result)), std::move(input), {job_id{7}});
}

// "a", "a#2": the rows a list of decisions is about.
template <class List>
std::vector<std::string> rows(const job_graph& g, const List& list) {
  std::vector<std::string> out;
  for (const auto& d : list)
    out.push_back(g.plan().step(d.step).name + (d.item < 0 ? "" : "#" + std::to_string(d.item)));
  return out;
}

struct driven {
  job_graph graph;
  decisions last;

  explicit driven(job_graph g) : graph(std::move(g)), last(graph.start()) {}
  step_index at(const char* name) const { return *graph.plan().find(name); }
  void done(const char* name, json result = nullptr, int item = -1) {
    last = graph.settled(at(name), item, task_state::completed, std::move(result));
  }
  void fails(const char* name, std::string error = "broken", int item = -1) {
    last = graph.settled(at(name), item, task_state::failed, {}, std::move(error));
  }
  auto released() const { return rows(graph, last.released); }
  auto skipped() const { return rows(graph, last.skipped); }
  auto failed() const { return rows(graph, last.failed); }
  auto reopened() const { return rows(graph, last.reopened); }
};

inline const json diamond = json::parse(R"([
  {"name": "a"}, {"name": "b", "depends_on": ["a"]}, {"name": "c", "depends_on": ["a"]},
  {"name": "d", "depends_on": ["b", "c"]}])");

inline const json fan = json::parse(R"([
  {"name": "list"},
  {"name": "each", "depends_on": ["list"], "for_each": "steps.list.result", "input": {"id": "${item}", "n": "${index}"}},
  {"name": "sum", "depends_on": ["each"], "input": {"all": "${steps.each.result}"}}])");

}  // namespace cascade
