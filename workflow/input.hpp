// workflow/input.hpp
//
// Whether an input fits the parameters of a workflow, by the rule and in the words of
// cascade.checked_input in SQL, which has the last word. For command lines and editors that want
// all problems at once.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "state/workflow.hpp"

namespace cascade {

std::vector<std::string> input_problems(const workflow_definition& definition,
                                        const nlohmann::json& input);

// The input with the defaults of missing parameters filled in. Requires: no input_problems.
nlohmann::json with_defaults(const workflow_definition& definition, nlohmann::json input);

}  // namespace cascade
