#include <CLI/CLI.hpp>

#include <charconv>
#include <iostream>
#include <iterator>

#include "cli/context.hpp"
#include "cli/text.hpp"
#include "cli/usage.hpp"
#include "state/duration.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

constexpr const char* description =
    "Runs and watches tasks and workflows of Cascade, a task engine on Postgres.";

constexpr const char* footer =
    R"(Which service: --data-dir DIR reads DIR/service.json of a running cascaded; --database CONNINFO, or the variable
CASCADE_DATABASE_URL, names a Postgres directly; without any of them the configuration decides (cascade config show).

Examples:
  cascade status
  cascade workflow apply nightly.yaml
  cascade job start nightly --input '{"day": "2026-11-20"}' --wait
  cascade task push resize --payload '{"id": 7}' --delay 5m
  cascade job list --status failed --json
  cascade COMMAND --help

Exit codes:
  0 done   1 the thing asked for failed (a job, a task, a check)   2 wrong usage or input   3 nothing to speak to:
  no database, service or schema   4 not found   5 timed out while waiting   130 interrupted)";

void add_global_options(CLI::App& app, cli_context& context, std::string& deadline) {
  app.fallthrough();  // global options may also stand behind the command
  auto* dir =
      app.add_option("--data-dir", context.target.data_dir, "Directory of the service to speak to")
          ->type_name("DIR");
  auto* database = app.add_option("--database", context.target.database,
                                  "Postgres to speak to, as conninfo or URI")
                       ->type_name("CONNINFO");
  dir->excludes(database);
  app.add_option("--config", context.target.config_file, "Configuration file of the service")
      ->type_name("FILE");
  app.add_flag("--json", context.json, "Print one JSON document; errors as JSON on standard error");
  app.add_flag("--no-color", context.no_colour, "No colours; so does the variable NO_COLOR");
  app.add_option("--deadline", deadline, "Longest time one call to the database may take")
      ->type_name("DURATION")
      ->default_str("30s");
  app.set_version_flag("--version", std::string("cascade ") + CASCADE_VERSION);
  app.require_subcommand(1);
}

// For what is wrong before everything was understood.
void find_json(cli_context& context, int argc, const char* const* argv) {
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i)
    context.json = context.json || std::string_view(argv[i]) == "--json";
}

int parse_problem(CLI::App& app, const CLI::ParseError& e, int argc, const char* const* argv,
                  cli_context& context) {
  if (e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
    return app.exit(e, context.out, context.err);
  find_json(context, argc, argv);
  context.report(usage_failure(app, e.what(), argc, argv));
  return exit_usage;
}

}  // namespace

void cli_context::report(const cli_failure& f) const {
  if (json) return print_error(err, f);
  err << "cascade: " << printable_lines(f.message)
      << (f.sqlstate.empty() ? "" : " [" + f.sqlstate + "]") << '\n';
  if (!f.hint.empty()) err << "  hint: " << printable_lines(f.hint) << '\n';
}

void cli_context::show_rows(const std::vector<column>& columns,
                            const std::vector<json_row>& rows) const {
  if (json)
    print_json(out, rows);
  else
    print_table(out, style, columns, rows);
}

void cli_context::show_record(const json_row& record) const {
  if (json)
    print_json(out, record);
  else
    print_record(out, style, record);
}

void cli_context::say(const std::string& sentence, const json_row& document) const {
  if (json)
    print_json(out, document);
  else
    out << printable_lines(sentence) << '\n';
}

std::string read_input(cli_context& context, const std::string& path, std::size_t bytes_max) {
  std::ifstream file;
  const bool standard = path == "-";
  if (!standard) file.open(path, std::ios::binary);
  std::istream& from = standard ? context.in : file;
  std::string text(bytes_max + 1, '\0');
  from.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(from.gcount()));
  if (from.bad() || (!standard && !file.is_open()) ||
      (!standard && text.empty() && std::filesystem::is_directory(path)))
    throw cli_failure(exit_usage, path + " cannot be read");
  if (text.size() > bytes_max)
    throw cli_failure(exit_usage, (standard ? "standard input" : path) + " has more than " +
                                      std::to_string(bytes_max) + " bytes");
  return text;
}

std::string json_argument(cli_context& context, const std::string& name, const std::string& given) {
  std::string text = given;
  if (given == "-" || given.starts_with('@'))
    text = read_input(context, given == "-" ? given : given.substr(1), limits::payload_bytes_max);
  if (const auto problem = json_storage_problem(text, limits::payload_bytes_max))
    throw cli_failure(exit_usage, name + ": " + *problem,
                      "give JSON such as '{\"id\": 7}', @FILE, or - for standard input");
  return text;
}

std::chrono::milliseconds duration_argument(const std::string& name, const std::string& given) {
  const auto value = parse_duration(std::string_view(given));
  if (!value)
    throw cli_failure(exit_usage, name + ": \"" + given + "\" is not a duration",
                      std::string(duration_hint));
  return *value;
}

std::function<std::string(const std::string&)> id_check(const std::string& noun) {
  return [noun](const std::string& given) {
    std::int64_t id = 0;
    const char* const end = given.data() + given.size();
    const auto [at, error] = std::from_chars(given.data(), end, id);
    return error == std::errc{} && at == end && id > 0
               ? std::string()
               : "\"" + given + "\" is not a " + noun + " id";
  };
}

int run_cascade(int argc, const char* const* argv, std::istream& in, std::ostream& out,
                std::ostream& err) {
  cli_context context{in, out, err};
  CLI::App app(description, "cascade");
  std::string deadline = "30s";
  app.footer(footer);
  add_global_options(app, context, deadline);
  add_status_command(app, context);
  add_workflow_commands(app, context);
  add_job_commands(app, context);
  add_task_commands(app, context);
  add_queue_commands(app, context);
  add_schedule_commands(app, context);
  add_reconcile_command(app, context);
  add_database_commands(app, context);
  add_doctor_command(app, context);
  add_console_command(app, context);
  add_config_commands(app, context);
  try {
    if (const auto missing = value_missing(app, argc, argv)) {
      find_json(context, argc, argv);
      throw *missing;
    }
    app.parse(argc, argv);
    if (&out == &std::cout) context.style = terminal_style::of_stdout(context.no_colour);
    context.target.deadline = duration_argument("--deadline", deadline);
    if (context.target.deadline < std::chrono::milliseconds(100))
      throw cli_failure(exit_usage, "--deadline: must be at least 100ms");
    return context.action();
  } catch (const CLI::ParseError& e) {
    return parse_problem(app, e, argc, argv, context);
  } catch (const cli_failure& f) {
    context.report(f);
    return f.exit;
  } catch (const std::exception& e) {
    context.report(cli_failure(exit_failed, std::string("unexpected: ") + e.what()));
    return exit_failed;
  }
}

}  // namespace cascade
