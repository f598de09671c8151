// cli/task_push.hpp
//
// `cascade task push`, and the wait for a task that it has in common with `cascade task wait`.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/context.hpp"
#include "cli/wait.hpp"

namespace cascade {

void add_task_push(CLI::App& group, cli_context& context);

// Says how the task ended; so does the exit code.
int wait_for_and_report(cli_context& context, database& db, std::int64_t id,
                        const wait_options& options);

}  // namespace cascade
