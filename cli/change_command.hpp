// cli/change_command.hpp
//
// Subcommands that ask the owner of some rows for a change, and do not wait until it is made.
#pragma once

#include <string>

#include "cli/context.hpp"
#include "sql/query.hpp"

namespace cascade {

// For jobs and tasks: `noun` is "job" or "task", `example` the number in the help, `told` what was asked
// for. `query` takes an id and answers with the number of the command. All ids are tried; the exit
// code is that of the first that failed.
void add_change(CLI::App& group, cli_context& context, const std::string& noun,
                const std::string& example, const std::string& name, const std::string& about,
                const sql::query& query, const std::string& told);

// For queues and workflows, which have names. `query` takes one.
void add_pause(CLI::App& group, cli_context& context, const std::string& noun,
               const std::string& example, const std::string& about, const sql::query& query);
void add_resume(CLI::App& group, cli_context& context, const std::string& noun,
                const std::string& example, const std::string& about, const sql::query& query);

}  // namespace cascade
