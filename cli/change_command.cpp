#include "cli/change_command.hpp"

#include <CLI/CLI.hpp>
#include <memory>

namespace cascade {

void add_change(CLI::App& group, cli_context& context, const std::string& noun,
                const std::string& example, const std::string& name, const std::string& about,
                const sql::query& query, const std::string& told) {
  auto ids = std::make_shared<std::vector<std::int64_t>>();
  auto* sub = group.add_subcommand(name, about);
  sub->add_option("id", *ids, "Numbers of the " + noun + "s")->required();
  sub->footer("Asks the owner of the " + noun +
              ", which acts within milliseconds when a service runs.\n\nExample:\n  cascade " +
              noun + " " + name + " " + example);
  sub->callback([&context, ids, &query, noun, told] {
    context.action = [&context, ids, &query, noun, told] {
      auto db = context.connect();
      std::vector<json_row> answers;
      for (const auto id : *ids) {
        const std::string which = noun + " " + std::to_string(id);
        const auto command = db.one(query, pg::params{}.int8(id), which);
        answers.push_back({{"id", id}, {"command", command}});
        if (!context.json) context.out << which << ": " << told << " asked for\n";
      }
      if (context.json) print_json(context.out, answers);
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace cascade
