// workflow/graph.hpp
//
// Pictures of a workflow. Names and texts are escaped: nothing in a definition can break out of its
// label.
#pragma once

#include <string>

#include "state/workflow.hpp"

namespace cascade {

// A Mermaid flowchart. Steps with for_each have double sides, with `when` slanted ones; other run
// rules stand on the arrows.
std::string to_mermaid(const workflow_definition& definition);

// The same for Graphviz.
std::string to_dot(const workflow_definition& definition);

}  // namespace cascade
