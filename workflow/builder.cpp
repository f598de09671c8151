#include "workflow/builder.hpp"

namespace cascade {

using nlohmann::json;

step_builder& step_builder::command(std::vector<std::string> argv) {
  return command(json(std::move(argv)));
}

step_builder& step_builder::command(json options) {
  step_.command = std::move(options);
  return *this;
}

step_builder& step_builder::after(std::initializer_list<std::string> steps) {
  step_.depends_on.insert(step_.depends_on.end(), steps.begin(), steps.end());
  return *this;
}

workflow_builder& workflow_builder::param(std::string name, param_type type) {
  param_definition p;
  p.name = std::move(name);
  p.type = type;
  return param(std::move(p));
}

workflow_builder& workflow_builder::param(std::string name, param_type type, json default_value) {
  param_definition p;
  p.name = std::move(name);
  p.type = type;
  p.required = false;
  p.default_value = std::move(default_value);
  return param(std::move(p));
}

expected<workflow_definition, std::vector<definition_problem>> workflow_builder::build() const {
  workflow_definition draft;
  draft.name = name_;
  draft.description = description_;
  draft.params = params_;
  draft.checks_input = !params_.empty();
  draft.result = result_;
  for (const step_builder& s : steps_) draft.steps.push_back(s.step_);
  json text = to_json(draft);
  // What was not said must be found missing.
  for (std::size_t i = 0; i < draft.steps.size(); ++i) {
    json& step = text["steps"][i];
    if (draft.steps[i].handler.empty()) step.erase("handler");
    if (draft.steps[i].timeout.count() < 0) step["timeout"] = draft.steps[i].timeout.count();
  }
  return read_workflow(text);
}

}  // namespace cascade
