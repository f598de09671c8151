#include <CLI/CLI.hpp>

#include <memory>

#include "cli/console_client.hpp"
#include "cli/context.hpp"
#include "config/load.hpp"

namespace cascade {
namespace {

// The socket does not need a database: a console is most useful when that is away.
std::filesystem::path console_socket(const cli_context& context) {
  const loaded_config config = load_for(context.target);
  if (!config.problems.empty())
    throw cli_failure(exit_usage, "the configuration has mistakes:\n" + to_string(config.problems));
  if (const auto service = read_service_file(config.values.data_dir);
      service && !service->console.empty())
    return service->console;
  return config.values.console.socket;
}

}  // namespace

void add_console_command(CLI::App& app, cli_context& context) {
  auto command = std::make_shared<std::string>();
  auto* sub = app.add_subcommand("console", "Talk to the running service: actors, queues, inbox");
  sub->add_option("-c", *command, "Run this command and leave")->type_name("CMD");
  sub->footer(
      "With standard input from a pipe, each line of it is a command. Type help for the list of "
      "commands.\n\n"
      "Examples:\n  cascade console\n  cascade console -c tree\n  cascade console -c 'show 12' "
      "--json");
  sub->fallthrough();
  sub->callback([&context, command] {
    context.action = [&context, command] {
      console_client_options options;
      options.socket = console_socket(context);
      if (!command->empty()) options.command = *command;
      options.json = context.json;
      return run_console(options);
    };
  });
}

}  // namespace cascade
