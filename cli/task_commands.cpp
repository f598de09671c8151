#include <CLI/CLI.hpp>

#include <memory>

#include "cli/console_client.hpp"
#include "cli/context.hpp"
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

std::optional<std::string_view> given(const std::string& s) {
  return s.empty() ? std::nullopt : std::optional<std::string_view>(s);
}

int wait_and_report(cli_context& context, database& db, std::int64_t id,
                    const wait_options& options) {
  const json_row task = wait_for_task(context, db, id, options);
  const std::string status = task.value("status", "");
  if (context.json) {
    print_json(context.out, task);
  } else {
    context.out << "task " << id << " " << coloured_status(context.style, status) << "\n";
    for (const char* key : {"result", "error"})
      if (!task[key].is_null()) print_record(context.out, context.style, {{key, task[key]}});
  }
  return exit_of_status(status);
}

struct push_options {
  std::string handler, payload = "{}", queue = "default", delay, run_at, timeout, unique_key,
                       concurrency_key, wait_timeout;
  std::vector<std::string> requires_tags;
  int priority = 50, max_attempts = 5;
  std::int64_t job = 0;
  bool wait = false;
};

int push(cli_context& context, const push_options& o) {
  const std::string payload = json_argument(context, "--payload", o.payload);
  const auto milliseconds_of = [](const std::string& name, const std::string& text) {
    return text.empty()
               ? std::nullopt
               : std::optional<double>(static_cast<double>(duration_argument(name, text).count()));
  };
  const auto delay = milliseconds_of("--delay", o.delay),
             timeout = milliseconds_of("--timeout", o.timeout);
  wait_options how{.progress = false, .timeout = {}};
  if (!o.wait_timeout.empty()) how.timeout = duration_argument("--wait-timeout", o.wait_timeout);
  pg::params p;
  p.text(o.handler)
      .jsonb(payload)
      .int8(o.job == 0 ? std::nullopt : std::optional(o.job))
      .text(o.queue)
      .int4(o.priority);
  p.text(given(o.run_at))
      .float8(delay)
      .int4(o.max_attempts)
      .float8(timeout)
      .text(given(o.unique_key))
      .text(given(o.concurrency_key));
  if (o.requires_tags.empty())
    p.null(pg::type::text_array);
  else
    p.texts(o.requires_tags);
  auto db = context.connect();
  const auto id = db.one(sql::cli_task_push, p, "task").get<std::int64_t>();
  if (o.wait) {
    if (!context.json) context.err << "task " << id << " pushed" << std::endl;
    return wait_and_report(context, db, id, how);
  }
  context.say("task " + std::to_string(id) + " pushed", {{"id", id}});
  return exit_ok;
}

void add_push(CLI::App& group, cli_context& context) {
  auto o = std::make_shared<push_options>();
  auto* sub = group.add_subcommand("push", "Push a task");
  sub->add_option("handler", o->handler, "Name of the handler that does the work")->required();
  sub->add_option("--payload", o->payload, "JSON, @FILE, or - for standard input")
      ->type_name("JSON")
      ->default_str("{}");
  sub->add_option("--queue", o->queue, "Queue")->default_str("default");
  sub->add_option("--priority", o->priority, "0 to 100, higher first")
      ->check(CLI::Range(0, 100))
      ->type_name("N")
      ->default_str("50");
  auto* delay = sub->add_option("--delay", o->delay, "Not before this time has passed")
                    ->type_name("DURATION");
  sub->add_option("--run-at", o->run_at, "Not before this moment, such as 2026-11-21T03:00:00Z")
      ->type_name("TIME")
      ->excludes(delay);
  sub->add_option("--job", o->job, "Add it to this job, which must be open");
  sub->add_option("--max-attempts", o->max_attempts, "Tries before it fails")
      ->check(CLI::Range(1, 32767))
      ->type_name("N")
      ->default_str("5");
  sub->add_option("--timeout", o->timeout, "Longest run of one try")->type_name("DURATION");
  sub->add_option("--unique-key", o->unique_key,
                  "Refused while an unfinished task has the same key");
  sub->add_option("--concurrency-key", o->concurrency_key,
                  "Tasks with the same key run one after the other");
  sub->add_option("--requires", o->requires_tags, "Tags that a node needs to run it")
      ->delimiter(',');
  sub->add_flag("--wait", o->wait, "Wait for the end; the exit code says how it went");
  sub->add_option("--wait-timeout", o->wait_timeout, "Wait no longer than this (exit code 5)")
      ->type_name("DURATION");
  sub->footer(
      "Examples:\n  cascade task push resize --payload '{\"id\": 7}' --queue images --priority 80\n"
      "  cascade task push report --delay 10m\n  echo '{\"n\": 1}' | cascade task push sum "
      "--payload - --wait");
  sub->callback([&context, o] { context.action = [&context, o] { return push(context, *o); }; });
}

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
  sub->add_option("--job", o->job, "Only tasks of this job");
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
  sub->add_option("id", *id, "Number of the task")->required();
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
  sub->add_option("id", o->id, "Number of the task")->required();
  sub->add_option("--timeout", o->timeout, "Wait no longer than this (exit code 5)")
      ->type_name("DURATION");
  sub->footer("Example:\n  cascade task wait 7 --timeout 30s");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      wait_options how{.progress = false, .timeout = {}};
      if (!o->timeout.empty()) how.timeout = duration_argument("--timeout", o->timeout);
      auto db = context.connect();
      return wait_and_report(context, db, o->id, how);
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
  sub->add_option("id", *id, "Number of the task")->required();
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

void add_change(CLI::App& group, cli_context& context, const std::string& name,
                const std::string& about, const sql::query& query, const std::string& told) {
  auto ids = std::make_shared<std::vector<std::int64_t>>();
  auto* sub = group.add_subcommand(name, about);
  sub->add_option("id", *ids, "Numbers of the tasks")->required();
  sub->footer(
      "Asks the owner of the task, which acts within milliseconds when a service "
      "runs.\n\nExample:\n  cascade task " +
      name + " 7");
  sub->callback([&context, ids, &query, told] {
    context.action = [&context, ids, &query, told] {
      auto db = context.connect();
      std::vector<json_row> answers;
      for (const auto id : *ids) {
        answers.push_back(
            {{"id", id},
             {"command", db.one(query, pg::params{}.int8(id), "task " + std::to_string(id))}});
        if (!context.json) context.out << "task " << id << ": " << told << " asked for\n";
      }
      if (context.json) print_json(context.out, answers);
      return static_cast<int>(exit_ok);
    };
  });
}

void add_reschedule(CLI::App& group, cli_context& context) {
  struct options {
    std::int64_t id = 0;
    std::string run_at, delay;
  };
  auto o = std::make_shared<options>();
  auto* sub =
      group.add_subcommand("reschedule", "Move a task that has not started to another time");
  sub->add_option("id", o->id, "Number of the task")->required();
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

}  // namespace

void add_task_commands(CLI::App& app, cli_context& context) {
  auto* group = app.add_subcommand("task", "Push, watch and change tasks");
  group->require_subcommand(1);
  group->fallthrough();
  add_push(*group, context);
  add_list(*group, context);
  add_show(*group, context);
  add_wait(*group, context);
  add_explain(*group, context);
  add_reschedule(*group, context);
  add_change(*group, context, "cancel", "Cancel tasks", sql::cli_task_cancel, "its end");
  add_change(*group, context, "retry", "Run tasks again that failed, were cancelled or quarantined",
             sql::cli_task_retry, "another round");
}

}  // namespace cascade
