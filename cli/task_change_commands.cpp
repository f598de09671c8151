#include <CLI/CLI.hpp>

#include <memory>

#include "cli/change_command.hpp"
#include "cli/context.hpp"
#include "cli/text.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

void add_reschedule(CLI::App& group, cli_context& context) {
  struct options {
    std::int64_t id = 0;
    std::string run_at, delay;
  };
  auto o = std::make_shared<options>();
  auto* sub =
      group.add_subcommand("reschedule", "Move a task that has not started to another time");
  sub->add_option("id", o->id, "Number of the task")->required()->check(id_check("task"));
  auto* when = sub->add_option_group("when");
  when->add_option("--delay", o->delay, "This long from now; 0s: at once")->type_name("DURATION");
  when->add_option("--run-at", o->run_at, "At this moment, such as 2026-11-21T03:00:00Z")
      ->type_name("TIME");
  when->require_option(1);
  sub->footer(
      "Asks the owner of the task, which acts within milliseconds when a service runs. A task that "
      "runs is left alone.\n\nExamples:\n  cascade task reschedule 7 --delay 10m\n  cascade task "
      "reschedule 7 --run-at 2026-11-21T03:00:00Z");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      const auto delay = o->delay.empty() ? std::nullopt
                                          : std::optional<double>(static_cast<double>(
                                                duration_argument("--delay", o->delay).count()));
      auto db = context.connect();
      const auto command = db.one(sql::cli_task_reschedule,
                                  pg::params{}.int8(o->id).text(given(o->run_at)).float8(delay),
                                  "task " + std::to_string(o->id));
      context.say("task " + std::to_string(o->id) + ": another time asked for",
                  {{"id", o->id}, {"command", command}});
      return static_cast<int>(exit_ok);
    };
  });
}

void add_priority(CLI::App& group, cli_context& context) {
  struct options {
    std::int64_t id = 0;
    int priority = 50;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("priority", "Give a task another priority");
  sub->add_option("id", o->id, "Number of the task")->required()->check(id_check("task"));
  sub->add_option("priority", o->priority, "0 to 100, higher first")
      ->required()
      ->check(CLI::Range(0, 100))
      ->type_name("N");
  sub->footer(
      "The steps that it waits for are raised with it. The service applies it at once when it is "
      "70 or more, "
      "lower ones after some seconds (propagation.*).\n\nExample:\n  cascade task priority 7 90");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      auto db = context.connect();
      const auto change = db.one(sql::cli_task_priority, pg::params{}.int8(o->id).int4(o->priority),
                                 "task " + std::to_string(o->id));
      context.say("task " + std::to_string(o->id) + ": priority " + std::to_string(o->priority) +
                      " asked for",
                  {{"id", o->id}, {"change", change}});
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace

void add_task_changes(CLI::App& group, cli_context& context) {
  add_reschedule(group, context);
  add_priority(group, context);
  add_change(group, context, "task", "7", "cancel", "Cancel tasks", sql::cli_task_cancel,
             "its end");
  add_change(group, context, "task", "7", "retry",
             "Run tasks again that failed, were cancelled or quarantined", sql::cli_task_retry,
             "another round");
}

}  // namespace cascade
