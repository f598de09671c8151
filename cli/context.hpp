// cli/context.hpp
//
// What every command of `cascade` gets: the global options, where to read and print, and how to
// reach the database. A command group is one function that adds its subcommands to the CLI11 tree;
// the callback of the chosen one sets `action`, which runs after the whole command line was
// understood.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "cli/failure.hpp"
#include "cli/output.hpp"
#include "cli/target.hpp"

namespace CLI {
class App;
}

namespace cascade {

struct cli_context {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  terminal_style style{};
  target_options target{};
  bool json = false;
  bool no_colour = false;
  std::function<int()> action{};

  database connect() const { return database::connect(find_target(target), target); }

  // A list or a single row, in the form that was asked for.
  void show_rows(const std::vector<column>& columns, const std::vector<json_row>& rows) const;
  void show_record(const json_row& record) const;
  // For commands whose answer is one sentence: `document` with --json, else the sentence.
  void say(const std::string& sentence, const json_row& document) const;
  // To standard error.
  void report(const cli_failure& failure) const;
};

void add_status_command(CLI::App& app, cli_context& context);
void add_workflow_commands(CLI::App& app, cli_context& context);
void add_job_commands(CLI::App& app, cli_context& context);
void add_task_commands(CLI::App& app, cli_context& context);
void add_task_changes(CLI::App& task_group, cli_context& context);
void add_queue_commands(CLI::App& app, cli_context& context);
void add_schedule_commands(CLI::App& app, cli_context& context);
void add_reconcile_command(CLI::App& app, cli_context& context);
void add_database_commands(CLI::App& app, cli_context& context);  // psql, migrate
void add_doctor_command(CLI::App& app, cli_context& context);
void add_console_command(CLI::App& app, cli_context& context);
void add_config_commands(CLI::App& app, cli_context& context);

// An argument that is JSON text, @FILE, or - for standard input. Throws cli_failure when it is not
// valid JSON that can be stored. Returns the text.
std::string json_argument(cli_context& context, const std::string& name, const std::string& given);

// All of a file, or of standard input for "-"; at most bytes_max.
std::string read_input(cli_context& context, const std::string& path, std::size_t bytes_max);

// An option as a parameter of a statement: none when it is empty.
inline std::optional<std::string_view> given(const std::string& option) {
  return option.empty() ? std::nullopt : std::optional<std::string_view>(option);
}
// "30s" as seconds; throws cli_failure.
std::chrono::milliseconds duration_argument(const std::string& name, const std::string& given);

// For CLI11's check(): CLI11 makes the largest number of one that is too large.
std::function<std::string(const std::string&)> id_check(const std::string& noun);

// The command line, all of it. Returns the exit code; prints its own errors.
int run_cascade(int argc, const char* const* argv, std::istream& in, std::ostream& out,
                std::ostream& err);

}  // namespace cascade
