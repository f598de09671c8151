// workflow/parse.hpp
//
// A workflow file (YAML or JSON) to a checked definition, or to every problem it has, each with its
// place in the file. docs/workflows.md describes the format.
//
// Limits  those of workflow/yaml_reader.hpp and state/workflow.hpp. Nothing is thrown.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "state/workflow.hpp"

namespace cascade {

struct workflow_problem {
  std::string file;
  int line = 0;    // from 1; 0: unknown
  int column = 0;  // in characters, from 1
  std::string message;
  std::string hint;
};

// "file:3:7: message; hint"
std::string to_string(const workflow_problem& problem);

// Tells whether a handler can be run. Empty: handlers are not checked.
using handler_predicate = std::function<bool(std::string_view)>;

expected<workflow_definition, std::vector<workflow_problem>> parse_workflow(
    std::string_view text, std::string_view filename, const handler_predicate& known_handler = {});

}  // namespace cascade
