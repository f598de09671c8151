#include <CLI/CLI.hpp>

#include <memory>
#include <set>

#include "cli/file_problems.hpp"
#include "cli/schedule_next.hpp"
#include "sql/queries.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

struct parsed_files {
  std::vector<schedule_definition> schedules;
  std::vector<workflow_problem> problems;
};

parsed_files parse_files(cli_context& context, const std::vector<std::string>& paths) {
  parsed_files out;
  std::set<std::string> names;
  for (const auto& path : paths) {
    const std::string text = read_input(context, path, limits::definition_bytes_max);
    auto parsed = parse_schedules(text, path == "-" ? "standard input" : path, times_objection);
    if (!parsed) {
      for (const auto& p : parsed.error()) out.problems.push_back(p);
      continue;
    }
    for (auto& schedule : parsed.value()) {
      if (!names.insert(schedule.name).second)
        out.problems.push_back(
            {path, 0, 0,
             "another file of this command has a schedule \"" + schedule.name + "\" as well", ""});
      out.schedules.push_back(std::move(schedule));
    }
  }
  return out;
}

int run_validate(cli_context& context, const std::vector<std::string>& paths) {
  const parsed_files parsed = parse_files(context, paths);
  if (!context.json && parsed.problems.empty())
    context.out << parsed.schedules.size()
                << (parsed.schedules.size() == 1 ? " schedule, valid\n" : " schedules, valid\n");
  return report_validity(context, parsed.problems);
}

// Nothing reaches the database unless all files are valid; then all are stored in one statement.
int run_apply(cli_context& context, const std::vector<std::string>& paths) {
  const parsed_files parsed = parse_files(context, paths);
  refuse_problems(context, parsed.problems);
  nlohmann::json all = nlohmann::json::array();
  for (const auto& schedule : parsed.schedules) all.push_back(to_json(schedule));
  auto db = context.connect();
  const auto rows = db.rows(sql::cli_schedule_apply, pg::params{}.jsonb(all.dump()));
  if (context.json) {
    print_json(context.out, rows);
    return exit_ok;
  }
  for (const auto& r : rows) {
    context.out << "schedule " << cell_text(r["name"], cell::text) << " "
                << cell_text(r["change"], cell::text) << '\n';
    if (!r["missing_workflow"].is_null())
      context.err << "note: there is no workflow \"" << cell_text(r["missing_workflow"], cell::text)
                  << "\" yet\n";
  }
  return exit_ok;
}

void add_files(CLI::App& group, cli_context& context, const std::string& name,
               const std::string& about, const std::string& footer,
               int (*run)(cli_context&, const std::vector<std::string>&)) {
  auto paths = std::make_shared<std::vector<std::string>>();
  auto* sub = group.add_subcommand(name, about);
  sub->add_option("files", *paths, "YAML or JSON files, or - for standard input")->required();
  sub->footer(footer);
  sub->callback([&context, paths, run] {
    context.action = [&context, paths, run] { return run(context, *paths); };
  });
}

}  // namespace

void add_schedule_files(CLI::App& group, cli_context& context) {
  add_files(group, context, "apply", "Store schedules; those that are not in the files stay",
            "All files are checked first; then all are stored in one transaction, or none. What a "
            "file does not\nsay has its default, but a paused schedule stays paused.\n\n"
            "Example:\n  cascade schedule apply schedules.yaml",
            run_apply);
  add_files(
      group, context, "validate", "Check files of schedules without a database",
      "Exits with 2 when there are problems; each is printed as file:line:column: message.\n\n"
      "Example:\n  cascade schedule validate schedules.yaml",
      run_validate);
}

}  // namespace cascade
