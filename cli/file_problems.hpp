// cli/file_problems.hpp
//
// What commands that read definitions say when these are wrong.
#pragma once

#include <vector>

#include "cli/context.hpp"
#include "workflow/parse.hpp"

namespace cascade {

// To standard error, one a line.
void print_problems(cli_context& context, const std::vector<workflow_problem>& problems);

// The answer of a command that only checks: the exit code; with --json the document, else problems.
int report_validity(cli_context& context, const std::vector<workflow_problem>& problems);

// Throws cli_failure when there are any: nothing was applied.
void refuse_problems(cli_context& context, const std::vector<workflow_problem>& problems);

}  // namespace cascade
