#include <CLI/CLI.hpp>

#include <memory>

#include "cli/console_client.hpp"
#include "cli/context.hpp"
#include "cli/task_push.hpp"
#include "cli/text.hpp"
#include "cli/wait.hpp"
#include "sql/queries.hpp"
#include "state/task_verdict.hpp"

namespace cascade {
namespace {

const std::vector<column> task_columns{{"id", "id", cell::number},
                                       {"job_id", "job", cell::number},
                                       {"step", "step", cell::text, true},
                                       {"queue", "queue", cell::text, true},
                                       {"handler", "handler", cell::text, true},
                                       {"status", "status", cell::status},
                                       {"waiting_reason", "reason"},
                                       {"priority", "prio", cell::number},
                                       {"attempt", "attempt", cell::number},
                                       {"run_at", "due (UTC)", cell::time},
                                       {"error", "error", cell::text, true}};

void add_list(CLI::App& group, cli_context& context) {
  struct options {
    std::string queue, status;
    std::int64_t job = 0;
    int limit = 20;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("list", "List tasks, newest first");
  sub->add_option("--queue", o->queue, "Only tasks of this queue");
  sub->add_option("--status", o->status, "Only tasks in this state")
      ->check(CLI::IsMember(
          std::vector<std::string>(task_state_names.begin(), task_state_names.end())));
  sub->add_option("--job", o->job, "Only tasks of this job")->check(id_check("job"));
  sub->add_option("--limit", o->limit, "At most so many")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N")
      ->default_str("20");
  sub->footer(
      "Examples:\n  cascade task list --status failed --limit 5\n  cascade task list --job 12 "
      "--json");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      auto db = context.connect();
      pg::params p;
      p.text(given(o->queue))
          .text(given(o->status))
          .int8(o->job == 0 ? std::nullopt : std::optional(o->job))
          .int8(o->limit);
      context.show_rows(task_columns, db.rows(sql::cli_task_list, p));
      return static_cast<int>(exit_ok);
    };
  });
}

void add_show(CLI::App& group, cli_context& context) {
  auto id = std::make_shared<std::int64_t>(0);
  auto* sub = group.add_subcommand("show", "Show a task and its attempts");
  sub->add_option("id", *id, "Number of the task")->required()->check(id_check("task"));
  sub->footer("Example:\n  cascade task show 7");
  sub->callback([&context, id] {
    context.action = [&context, id] {
      auto db = context.connect();
      json_row task =
          db.one(sql::cli_task_get, pg::params{}.int8(*id), "task " + std::to_string(*id));
      task["attempts"] = db.rows(sql::cli_task_attempts, pg::params{}.int8(*id));
      context.show_record(task);
      return static_cast<int>(exit_ok);
    };
  });
}

void add_wait(CLI::App& group, cli_context& context) {
  struct options {
    std::int64_t id = 0;
    std::string timeout;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("wait", "Wait until a task has finished");
  sub->add_option("id", o->id, "Number of the task")->required()->check(id_check("task"));
  sub->add_option("--timeout", o->timeout, "Wait no longer than this (exit code 5)")
      ->type_name("DURATION");
  sub->footer("Example:\n  cascade task wait 7 --timeout 30s");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      wait_options how{.progress = false, .timeout = {}};
      if (!o->timeout.empty()) how.timeout = duration_argument("--timeout", o->timeout);
      auto db = context.connect();
      return wait_for_and_report(context, db, o->id, how);
    };
  });
}

// What the node of this directory says; nothing when there is none to ask, or it does not know.
std::optional<console_reply> ask_owner(const cli_context& context, std::int64_t id) {
  const target to = find_target(context.target);
  if (!to.service || to.service->console.empty() || !to.service->process_lives())
    return std::nullopt;
  console_connection node(to.service->console, std::chrono::seconds(3));
  auto reply = node.ask("why " + std::to_string(id), true);
  if (reply && reply->ok) return *std::move(reply);
  return std::nullopt;
}

int explain(cli_context& context, std::int64_t id) {
  json_row why;
  std::string lines;
  if (const auto owner = ask_owner(context, id)) {
    why = json_row::parse(owner->data, nullptr, false);
    lines = owner->text;
  } else {
    auto db = context.connect();
    const json_row rows =
        db.one(sql::cli_task_explain, pg::params{}.int8(id), "task " + std::to_string(id));
    why = rows["why"];
    lines = rows["lines"].get<std::string>() + "\n";
  }
  if (context.json)
    print_json(context.out, why);
  else
    context.out << printable_lines(lines) << "source: " << why.value("source", "") << "\n";
  return exit_ok;
}

void add_explain(CLI::App& group, cli_context& context) {
  auto id = std::make_shared<std::int64_t>(0);
  auto* sub = group.add_subcommand("explain", "Say why a task is not running");
  sub->add_option("id", *id, "Number of the task")->required()->check(id_check("task"));
  std::string words;
  for (const auto word : task_verdict_names) words += "\n  " + std::string(word);
  sub->footer(
      "Asks the running service (source: owner); without one, the rows (source: rows). Below the "
      "verdict stands what is in the way, and why that does not run. The verdicts "
      "(docs/operating.md):" +
      words + "\n\nExamples:\n  cascade task explain 7\n  cascade task explain 7 --json");
  sub->callback(
      [&context, id] { context.action = [&context, id] { return explain(context, *id); }; });
}

}  // namespace

void add_task_commands(CLI::App& app, cli_context& context) {
  auto* group = app.add_subcommand("task", "Push, watch and change tasks");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n  cascade task push resize --payload '{\"id\": 7}' --delay 5m"
      "\n  cascade task list --status failed --json"
      "\n  cascade task explain 7");
  group->fallthrough();
  add_task_push(*group, context);
  add_list(*group, context);
  add_show(*group, context);
  add_wait(*group, context);
  add_explain(*group, context);
  add_task_changes(*group, context);
}

}  // namespace cascade
