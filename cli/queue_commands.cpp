#include <CLI/CLI.hpp>

#include <memory>

#include "cli/context.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

const std::vector<column> queue_columns{
    {"queue", "queue", cell::text, true},        {"paused", "paused"},
    {"waiting", "waiting", cell::number},        {"pending", "pending", cell::number},
    {"running", "running", cell::number},        {"completed", "completed", cell::number},
    {"failed", "failed", cell::number},          {"cancelled", "cancelled", cell::number},
    {"quarantined", "quarantined", cell::number}};

void add_change(CLI::App& group, cli_context& context, const std::string& name,
                const std::string& about, const sql::query& query) {
  auto queue = std::make_shared<std::string>();
  auto* sub = group.add_subcommand(name, about);
  sub->add_option("queue", *queue, "Name of the queue")->required();
  sub->footer(
      "Tasks that run are not touched. The setting stays until it is changed back.\n\nExample:\n  "
      "cascade queue " +
      name + " mail");
  sub->callback([&context, queue, &query, name] {
    context.action = [&context, queue, &query, name] {
      auto db = context.connect();
      const auto command = db.one(query, pg::params{}.text(*queue), "queue " + *queue);
      context.say("queue " + *queue + (name == "pause" ? " is paused" : " goes on"),
                  {{"queue", *queue}, {"paused", name == "pause"}, {"command", command}});
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace

void add_queue_commands(CLI::App& app, cli_context& context) {
  auto* group = app.add_subcommand("queue", "List, pause and resume queues");
  group->require_subcommand(1);
  group->fallthrough();
  auto* list = group->add_subcommand("list", "List queues with their counts");
  list->footer("Example:\n  cascade queue list --json");
  list->callback([&context] {
    context.action = [&context] {
      auto db = context.connect();
      context.show_rows(queue_columns, db.rows(sql::cli_queue_list));
      return static_cast<int>(exit_ok);
    };
  });
  add_change(*group, context, "pause", "Start no more tasks of a queue", sql::cli_queue_pause);
  add_change(*group, context, "resume", "Let a paused queue go on", sql::cli_queue_resume);
}

}  // namespace cascade
