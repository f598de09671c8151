#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>
#include <set>

#include "cli/change_command.hpp"
#include "cli/context.hpp"
#include "cli/file_problems.hpp"
#include "cli/text.hpp"
#include "sql/queries.hpp"
#include "state/limits.hpp"
#include "state/suggest.hpp"
#include "workflow/graph.hpp"
#include "workflow/parse.hpp"

namespace cascade {
namespace {

struct parsed_files {
  std::vector<workflow_definition> definitions;
  std::vector<std::string> files;  // of the definitions
  std::vector<workflow_problem> problems;
};

// What the running nodes can run; nothing when that cannot be known.
std::optional<std::set<std::string>> known_handlers(cli_context& context) {
  try {
    auto db = context.connect();
    std::set<std::string> names;
    for (const auto& n : db.rows(sql::cli_handlers)) names.insert(n.get<std::string>());
    if (!names.empty()) return names;
  } catch (const cli_failure&) {
  }
  if (!context.json)
    context.err << "note: no service is running there, so names of handlers are not checked\n";
  return std::nullopt;
}

parsed_files parse_files(cli_context& context, const std::vector<std::string>& paths,
                         const std::optional<std::set<std::string>>& handlers) {
  handler_predicate known;
  if (handlers)
    known = [&](std::string_view name) { return handlers->contains(std::string(name)); };
  parsed_files out;
  std::set<std::string> names;
  for (const auto& path : paths) {
    const std::string text = read_input(context, path, limits::definition_bytes_max);
    auto parsed = parse_workflow(text, path == "-" ? "standard input" : path, known);
    if (!parsed) {
      for (const auto& p : parsed.error()) out.problems.push_back(p);
      continue;
    }
    if (!names.insert(parsed.value().name).second)
      out.problems.push_back({path, 0, 0,
                              "another file of this command names its workflow \"" +
                                  parsed.value().name + "\" as well",
                              "apply them one after the other, or rename one"});
    out.definitions.push_back(std::move(parsed).value());
    out.files.push_back(path);
  }
  return out;
}

int run_validate(cli_context& context, const std::vector<std::string>& paths, bool any_handler) {
  const parsed_files parsed =
      parse_files(context, paths, any_handler ? std::nullopt : known_handlers(context));
  if (!context.json && parsed.problems.empty())
    for (std::size_t i = 0; i < parsed.files.size(); ++i)
      context.out << parsed.files[i] << ": workflow " << printable(parsed.definitions[i].name)
                  << ", " << parsed.definitions[i].steps.size() << " steps, valid\n";
  return report_validity(context, parsed.problems);
}

// Nothing reaches the database unless all files are valid; then all are stored in one statement.
int run_apply(cli_context& context, const std::vector<std::string>& paths, bool any_handler) {
  const parsed_files parsed =
      parse_files(context, paths, any_handler ? std::nullopt : known_handlers(context));
  refuse_problems(context, parsed.problems);
  std::vector<std::string> names, definitions;
  for (const auto& d : parsed.definitions) {
    names.push_back(d.name);
    definitions.push_back(to_json(d).dump());
  }
  auto db = context.connect();
  auto rows = db.rows(sql::cli_workflow_apply, pg::params{}.texts(names).jsonbs(definitions));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i]["file"] = parsed.files[i];
  if (context.json) {
    print_json(context.out, rows);
  } else {
    for (const auto& r : rows)
      context.out << "workflow " << cell_text(r["name"], cell::text) << " version " << r["version"]
                  << (r["created"].get<bool>() ? " created" : " unchanged") << '\n';
  }
  return exit_ok;
}

json_row stored_workflow(database& db, const std::string& name, std::optional<int> version) {
  auto found = db.rows(sql::cli_workflow_get, pg::params{}.text(name).int4(version));
  if (!found.empty()) return std::move(found.front());
  std::vector<std::string> names;
  for (const auto& n : db.rows(sql::cli_workflow_names)) names.push_back(n.get<std::string>());
  const bool known = std::ranges::find(names, name) != names.end();
  const std::string what =
      known ? "workflow \"" + name + "\" has no version " + std::to_string(version.value_or(0))
            : "there is no workflow \"" + name + "\"";
  throw cli_failure(exit_not_found, what, known ? "" : suggestion(name, names));
}

int run_graph(cli_context& context, const std::string& source, const std::string& format) {
  std::optional<workflow_definition> definition;
  std::error_code ignored;
  if (source == "-" || std::filesystem::is_regular_file(source, ignored)) {
    auto parsed = parse_files(context, {source}, std::nullopt);
    if (!parsed.problems.empty()) {
      print_problems(context, parsed.problems);
      throw cli_failure(exit_usage, source + " is not a valid workflow");
    }
    definition = std::move(parsed.definitions.front());
  } else {
    auto db = context.connect();
    const json_row stored = stored_workflow(db, source, std::nullopt);
    auto read = read_workflow(nlohmann::json::parse(stored["definition"].dump()));
    if (!read)
      throw cli_failure(exit_failed, "the stored definition of \"" + source + "\" cannot be read");
    definition = std::move(read).value();
  }
  const std::string picture = format == "dot" ? to_dot(*definition) : to_mermaid(*definition);
  if (context.json)
    print_json(context.out,
               json_row{{"name", definition->name}, {"format", format}, {"graph", picture}});
  else
    context.out << picture;
  return exit_ok;
}

void add_files(CLI::App& group, cli_context& context, const std::string& name,
               const std::string& about, const std::string& footer,
               int (*run)(cli_context&, const std::vector<std::string>&, bool)) {
  auto paths = std::make_shared<std::vector<std::string>>();
  auto* sub = group.add_subcommand(name, about);
  sub->add_option("files", *paths, "YAML or JSON files, or - for standard input")->required();
  auto any_handler = std::make_shared<bool>(false);
  sub->add_flag("--any-handler", *any_handler, "Accept handlers that no running node has");
  sub->footer(footer);
  sub->callback([&context, paths, any_handler, run] {
    context.action = [&context, paths, any_handler, run] {
      return run(context, *paths, *any_handler);
    };
  });
}

void add_list(CLI::App& group, cli_context& context) {
  auto* sub = group.add_subcommand("list", "List the newest version of each workflow");
  sub->footer("Example:\n  cascade workflow list --json");
  sub->callback([&context] {
    context.action = [&context] {
      auto db = context.connect();
      context.show_rows({{"name", "name", cell::text, true},
                         {"version", "version", cell::number},
                         {"steps", "steps", cell::number},
                         {"created_at", "created (UTC)", cell::time},
                         {"description", "description", cell::text, true}},
                        db.rows(sql::cli_workflow_list));
      return static_cast<int>(exit_ok);
    };
  });
}

void add_show(CLI::App& group, cli_context& context) {
  struct options {
    std::string name;
    int version = 0;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("show", "Show a workflow as it is stored");
  sub->add_option("name", o->name, "Name of the workflow")->required();
  sub->add_option("--version", o->version, "This version instead of the newest")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  sub->footer(
      "Examples:\n  cascade workflow show nightly\n  cascade workflow show nightly --version 2 "
      "--json");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      auto db = context.connect();
      context.show_record(
          stored_workflow(db, o->name, o->version == 0 ? std::nullopt : std::optional(o->version)));
      return static_cast<int>(exit_ok);
    };
  });
}

void add_graph(CLI::App& group, cli_context& context) {
  struct options {
    std::string source, format = "mermaid";
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("graph", "Draw a workflow");
  sub->add_option("source", o->source, "Name of a stored workflow, or a file")->required();
  sub->add_option("--format", o->format, "mermaid or dot")
      ->check(CLI::IsMember({"mermaid", "dot"}))
      ->default_str("mermaid");
  sub->footer(
      "Examples:\n  cascade workflow graph nightly.yaml\n  cascade workflow graph nightly --format "
      "dot | dot -Tsvg > "
      "nightly.svg");
  sub->callback([&context, o] {
    context.action = [&context, o] { return run_graph(context, o->source, o->format); };
  });
}

void add_limit(CLI::App& group, cli_context& context) {
  struct options {
    std::string workflow;
    int most = 0;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("limit", "How many tasks of all its jobs run at a time");
  sub->add_option("name", o->workflow, "Name of the workflow")->required();
  sub->add_option("--concurrency", o->most, "Tasks at a time; 0: no limit")
      ->required()
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N");
  sub->footer(
      "Nothing that runs is stopped.\n\nExample:\n  cascade workflow limit nightly --concurrency "
      "20");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      auto db = context.connect();
      const auto most = o->most == 0 ? std::nullopt : std::optional(o->most);
      const auto command =
          db.one(sql::cli_workflow_limit, pg::params{}.text(o->workflow).int4(most),
                 "workflow " + o->workflow);
      context.say("workflow " + o->workflow + ": its limit was changed",
                  {{"workflow", o->workflow}, {"concurrency", o->most}, {"command", command}});
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace

void add_workflow_commands(CLI::App& app, cli_context& context) {
  auto* group = app.add_subcommand("workflow", "Check, apply and show workflows");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n  cascade workflow validate nightly.yaml"
      "\n  cascade workflow apply nightly.yaml"
      "\n  cascade workflow graph nightly --format mermaid");
  group->fallthrough();
  add_files(*group, context, "apply",
            "Store workflows; a definition that has not changed makes no new version",
            "All files are checked first; then all are stored in one transaction, or none.\n\n"
            "Examples:\n  cascade workflow apply nightly.yaml\n  cascade workflow apply "
            "workflows/*.yaml --json",
            run_apply);
  add_files(
      *group, context, "validate", "Check workflow files without a database",
      "Exits with 2 when there are problems; each is printed as file:line:column: message.\n\n"
      "Example:\n  cascade workflow validate workflows/*.yaml",
      run_validate);
  add_list(*group, context);
  add_show(*group, context);
  add_graph(*group, context);
  add_pause(*group, context, "workflow", "nightly", "Start no more tasks of its jobs",
            sql::cli_workflow_pause);
  add_resume(*group, context, "workflow", "nightly", "Let a paused workflow go on",
             sql::cli_workflow_resume);
  add_limit(*group, context);
}

}  // namespace cascade
