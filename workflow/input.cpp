#include "workflow/input.hpp"

#include <algorithm>

namespace cascade {

using nlohmann::json;

std::vector<std::string> input_problems(const workflow_definition& definition, const json& input) {
  const std::string start = "workflow " + definition.name;
  if (!input.is_object()) {
    const std::string type = input.is_null() ? "null" : input.type_name();
    return {start + ": the input must be a JSON object, not " + type};
  }
  std::vector<std::string> out;
  if (!definition.checks_input) return out;
  for (const param_definition& param : definition.params) {
    const std::string name = start + ": parameter \"" + param.name + "\" ";
    const auto found = input.find(param.name);
    if (found == input.end()) {
      if (!param.default_value && param.required) out.push_back(name + "is missing");
    } else if (const auto problem = param_problem(param, *found)) {
      out.push_back(name + *problem);
    }
  }
  for (const auto& [key, unused] : input.items()) {
    const bool known =
        std::any_of(definition.params.begin(), definition.params.end(),
                    [&key = key](const param_definition& p) { return p.name == key; });
    if (!known) out.push_back(start + " has no parameter \"" + key + "\"");
  }
  return out;
}

json with_defaults(const workflow_definition& definition, json input) {
  for (const param_definition& param : definition.params)
    if (param.default_value && !input.contains(param.name))
      input[param.name] = *param.default_value;
  return input;
}

}  // namespace cascade
