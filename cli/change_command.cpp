#include "cli/change_command.hpp"

#include <CLI/CLI.hpp>
#include <memory>

namespace cascade {
namespace {

void add_setting(CLI::App& group, cli_context& context, const std::string& noun,
                 const std::string& example, const std::string& about, const sql::query& query,
                 bool paused) {
  const std::string name = paused ? "pause" : "resume";
  auto which = std::make_shared<std::string>();
  auto* sub = group.add_subcommand(name, about);
  sub->add_option(noun, *which, "Name of the " + noun)->required();
  sub->footer(
      "Tasks that run are not touched. The setting stays until it is changed back.\n\nExample:\n  "
      "cascade " +
      noun + " " + name + " " + example);
  sub->callback([&context, which, &query, noun, paused] {
    context.action = [&context, which, &query, noun, paused] {
      auto db = context.connect();
      const std::string what = noun + " " + *which;
      const auto command = db.one(query, pg::params{}.text(*which), what);
      context.say(what + (paused ? " is paused" : " goes on"),
                  {{noun, *which}, {"paused", paused}, {"command", command}});
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace

void add_pause(CLI::App& group, cli_context& context, const std::string& noun,
               const std::string& example, const std::string& about, const sql::query& query) {
  add_setting(group, context, noun, example, about, query, true);
}

void add_resume(CLI::App& group, cli_context& context, const std::string& noun,
                const std::string& example, const std::string& about, const sql::query& query) {
  add_setting(group, context, noun, example, about, query, false);
}

void add_change(CLI::App& group, cli_context& context, const std::string& noun,
                const std::string& example, const std::string& name, const std::string& about,
                const sql::query& query, const std::string& told) {
  auto ids = std::make_shared<std::vector<std::int64_t>>();
  auto* sub = group.add_subcommand(name, about);
  sub->add_option("id", *ids, "Numbers of the " + noun + "s")->required()->check(id_check(noun));
  sub->footer("Asks the owner of the " + noun +
              ", which acts within milliseconds when a service runs.\n\nExample:\n  cascade " +
              noun + " " + name + " " + example);
  sub->callback([&context, ids, &query, noun, told] {
    context.action = [&context, ids, &query, noun, told] {
      auto db = context.connect();
      std::vector<json_row> answers;
      int exit = exit_ok;
      for (const auto id : *ids) {
        const std::string which = noun + " " + std::to_string(id);
        try {
          const auto command = db.one(query, pg::params{}.int8(id), which);
          answers.push_back({{"id", id}, {"command", command}});
          if (!context.json) context.out << which << ": " << told << " asked for\n";
        } catch (const cli_failure& f) {
          context.report(f);
          if (exit == exit_ok) exit = f.exit;
          if (f.exit == exit_unreachable) break;  // the others would not fare better
        }
      }
      if (context.json) print_json(context.out, answers);
      return exit;
    };
  });
}

}  // namespace cascade
