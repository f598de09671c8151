// workflow/problem_text.hpp
//
// The message of a problem with what it is about in front: `step "fetch": timeout: is not a
// duration`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "state/workflow.hpp"

namespace cascade {

// `definition` is what the problem was found in; it gives steps their names.
std::string problem_text(const nlohmann::json& definition, const definition_problem& problem);

}  // namespace cascade
