#include <CLI/CLI.hpp>

#include <memory>

#include "cli/context.hpp"
#include "sql/queries.hpp"

namespace cascade {

void add_workflow_commands(CLI::App& app, cli_context&) {
  auto* group = app.add_subcommand("workflow", "Check, apply and show workflows");
  group->require_subcommand(1);
}

}  // namespace cascade
