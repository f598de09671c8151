#include <CLI/CLI.hpp>

#include <memory>

#include "cli/context.hpp"
#include "config/load.hpp"
#include "config/reference.hpp"
#include "executors/builtin.hpp"
#include "state/command_spec.hpp"

namespace cascade {
namespace {

// What config/ leaves open: whether the commands can be run, and have names of their own.
void check_commands(loaded_config& config) {
  boost::asio::io_context io;
  handler_registry registry;
  add_builtin_handlers(registry, io);
  const auto commands = nlohmann::json::parse(config.values.handlers.commands_json, nullptr, false);
  for (const auto& [name, command] : commands.items()) {
    const auto parsed =
        parse_command(command.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (!parsed.spec) {
      config.problems.push_back({"handlers.commands", "handler \"" + name + "\": " + parsed.error});
      continue;
    }
    try {
      if (registry.contains(name))
        throw std::invalid_argument("handler " + name + " is built in, take another name");
      registry.add_command(name, *parsed.spec);
    } catch (const std::exception& e) {
      config.problems.push_back({"handlers.commands", e.what()});
    }
  }
}

int run_check(cli_context& context, const std::string& file) {
  target_options options = context.target;
  if (!file.empty()) options.config_file = file;
  loaded_config config = load_for(options);
  check_commands(config);
  if (context.json) {
    std::vector<json_row> problems;
    for (const auto& p : config.problems)
      problems.push_back({{"place", p.place}, {"message", p.message}});
    print_json(context.out, json_row{{"valid", config.problems.empty()}, {"problems", problems}});
  } else if (config.problems.empty()) {
    context.out << "The configuration is valid.\n";
  } else {
    context.err << to_string(config.problems);
  }
  return config.problems.empty() ? exit_ok : exit_usage;
}

int run_show(cli_context& context) {
  const loaded_config config = load_for(context.target);
  if (!config.problems.empty())
    throw cli_failure(exit_usage, "the configuration has mistakes:\n" + to_string(config.problems));
  if (!context.json) {
    context.out << configuration_dump(config);
    return exit_ok;
  }
  std::vector<json_row> rows;
  for (const auto& e : config.entries)
    rows.push_back({{"key", e.key}, {"value", e.value}, {"origin", e.origin}});
  print_json(context.out, rows);
  return exit_ok;
}

}  // namespace

void add_config_commands(CLI::App& app, cli_context& context) {
  auto* group = app.add_subcommand("config", "Show and check the configuration of the service");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n  cascade config show"
      "\n  cascade config check /etc/cascade.yaml");
  group->fallthrough();
  auto* show = group->add_subcommand(
      "show", "Show what the service would run with, and where each value comes from");
  show->footer(
      "No passwords, and of commands only their names.\n\nExamples:\n  cascade config show\n  "
      "CASCADE_PROFILE=low_latency cascade config show");
  show->callback([&context] { context.action = [&context] { return run_show(context); }; });

  auto file = std::make_shared<std::string>();
  auto* check =
      group->add_subcommand("check", "Look for mistakes; exits with 2 when there are any");
  check->add_option("file", *file, "Configuration file (default: --config, CASCADE_CONFIG)");
  check->footer("Example:\n  cascade config check /etc/cascade.yaml");
  check->callback([&context, file] {
    context.action = [&context, file] { return run_check(context, *file); };
  });

  auto* reference = group->add_subcommand(
      "reference", "Print every key with default, range and meaning, as Markdown");
  reference->footer("Example:\n  cascade config reference > configuration.md");
  reference->callback([&context] {
    context.action = [&context] {
      context.out << configuration_markdown();
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace cascade
