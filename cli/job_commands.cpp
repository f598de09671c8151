#include <CLI/CLI.hpp>

#include <memory>

#include "cli/change_command.hpp"
#include "cli/context.hpp"
#include "cli/wait.hpp"
#include "sql/queries.hpp"
#include "state/job_state.hpp"

namespace cascade {
namespace {

const std::vector<column> job_columns{{"id", "id", cell::number},
                                      {"workflow", "workflow", cell::text, true},
                                      {"version", "version", cell::number},
                                      {"status", "status", cell::status},
                                      {"completed", "completed", cell::number},
                                      {"running", "running", cell::number},
                                      {"pending", "pending", cell::number},
                                      {"waiting", "waiting", cell::number},
                                      {"failed", "failed", cell::number},
                                      {"created_at", "created (UTC)", cell::time},
                                      {"error", "error", cell::text, true}};

const std::vector<column> step_columns{
    {"id", "task", cell::number},         {"step", "step", cell::text, true},
    {"item", "item", cell::number},       {"handler", "handler", cell::text, true},
    {"status", "status", cell::status},   {"waiting_reason", "reason"},
    {"attempt", "attempt", cell::number}, {"seconds", "seconds", cell::number},
    {"error", "error", cell::text, true}};

constexpr int steps_shown_max = 200;

// After the start of a job, and by `job wait` and `job watch`: the end of the job is the answer.
int wait_and_report(cli_context& context, database& db, std::int64_t id,
                    const wait_options& options) {
  const json_row job = wait_for_job(context, db, id, options);
  const std::string status = job.value("status", "");
  if (context.json) {
    print_json(context.out, job);
  } else {
    context.out << "job " << id << " " << coloured_status(context.style, status) << "\n";
    if (status == "completed" && !job["result"].is_null())
      print_record(context.out, context.style, {{"result", job["result"]}});
    if (!job["error"].is_null())
      print_record(context.out, context.style, {{"error", job["error"]}});
  }
  return exit_of_status(status);
}

void add_start(CLI::App& group, cli_context& context) {
  struct options {
    std::string workflow, input = "{}", timeout, idempotency_key, tenant;
    int priority = 50, concurrency = 0;
    bool wait = false, watch = false;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("start", "Start a job of a workflow");
  sub->add_option("workflow", o->workflow, "Name of the workflow; its newest version runs")
      ->required();
  sub->add_option("--input", o->input, "JSON object, @FILE, or - for standard input")
      ->type_name("JSON")
      ->default_str("{}");
  sub->add_option("--priority", o->priority, "0 to 100, higher first")
      ->check(CLI::Range(0, 100))
      ->type_name("N")
      ->default_str("50");
  sub->add_option("--idempotency-key", o->idempotency_key,
                  "Answer with the job that was started with this key, if there is one");
  sub->add_option("--tenant", o->tenant, "For whom it runs: tenants share a queue");
  sub->add_option("--concurrency", o->concurrency, "Its tasks that run at a time")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  sub->add_flag("--wait", o->wait, "Wait for the end; the exit code says how it went");
  sub->add_flag("--watch", o->watch, "Wait, and show progress");
  sub->add_option("--timeout", o->timeout, "Wait no longer than this (exit code 5)")
      ->type_name("DURATION");
  sub->footer(
      "Examples:\n  cascade job start nightly --input '{\"day\": \"2026-11-20\"}'\n"
      "  cascade job start nightly --input @input.json --watch --timeout 10m");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      wait_options how{.progress = o->watch, .timeout = {}};
      if (!o->timeout.empty()) how.timeout = duration_argument("--timeout", o->timeout);
      const std::string input = json_argument(context, "--input", o->input);
      auto db = context.connect();
      pg::params p;
      p.text(o->workflow).jsonb(input).int4(o->priority);
      p.text(given(o->idempotency_key));
      p.int4(o->concurrency == 0 ? std::nullopt : std::optional(o->concurrency));
      p.text(given(o->tenant));
      const auto answer = db.one(sql::cli_job_start, p, "job");
      const auto id = answer["id"].get<std::int64_t>();
      const std::string said = "job " + std::to_string(id) +
                               (answer["new"].get<bool>() ? " started" : " has the key already");
      if (o->wait || o->watch) {
        if (!context.json) context.err << said << std::endl;
        return wait_and_report(context, db, id, how);
      }
      context.say(said, answer);
      return static_cast<int>(exit_ok);
    };
  });
}

void add_limit(CLI::App& group, cli_context& context) {
  struct options {
    std::int64_t job = 0;
    int most = 0;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("limit", "How many tasks of a job run at a time");
  sub->add_option("id", o->job, "Id of the job")->required()->check(id_check("job"));
  sub->add_option("--concurrency", o->most, "Tasks at a time; 0: no limit")
      ->required()
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N");
  sub->footer("Nothing that runs is stopped.\n\nExample:\n  cascade job limit 7 --concurrency 4");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      auto db = context.connect();
      const auto most = o->most == 0 ? std::nullopt : std::optional(o->most);
      const auto name = "job " + std::to_string(o->job);
      const auto command = db.one(sql::cli_job_limit, pg::params{}.int8(o->job).int4(most), name);
      context.say(name + ": its limit was changed",
                  {{"job", o->job}, {"concurrency", o->most}, {"command", command}});
      return static_cast<int>(exit_ok);
    };
  });
}

void add_list(CLI::App& group, cli_context& context) {
  struct options {
    std::string status, workflow;
    int limit = 20;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("list", "List jobs, newest first");
  sub->add_option("--status", o->status, "Only jobs in this state")
      ->check(
          CLI::IsMember(std::vector<std::string>(job_state_names.begin(), job_state_names.end())));
  sub->add_option("--workflow", o->workflow, "Only jobs of this workflow");
  sub->add_option("--limit", o->limit, "At most so many")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N")
      ->default_str("20");
  sub->footer(
      "Examples:\n  cascade job list --status failed --limit 5\n  cascade job list --workflow "
      "nightly --json");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      const auto given = [](const std::string& s) {
        return s.empty() ? std::nullopt : std::optional<std::string_view>(s);
      };
      auto db = context.connect();
      context.show_rows(
          job_columns,
          db.rows(sql::cli_job_list,
                  pg::params{}.text(given(o->status)).text(given(o->workflow)).int8(o->limit)));
      return static_cast<int>(exit_ok);
    };
  });
}

void add_show(CLI::App& group, cli_context& context) {
  auto id = std::make_shared<std::int64_t>(0);
  auto* sub = group.add_subcommand("show", "Show a job and its tasks");
  sub->add_option("id", *id, "Number of the job")->required()->check(id_check("job"));
  sub->footer("Example:\n  cascade job show 12");
  sub->callback([&context, id] {
    context.action = [&context, id] {
      auto db = context.connect();
      json_row job = db.one(sql::cli_job_get, pg::params{}.int8(*id), "job " + std::to_string(*id));
      const auto steps = db.rows(sql::cli_job_steps, pg::params{}.int8(*id).int8(steps_shown_max));
      if (context.json) {
        job["tasks"] = steps;
        print_json(context.out, job);
        return static_cast<int>(exit_ok);
      }
      print_record(context.out, context.style, job);
      context.out << '\n';
      print_table(context.out, context.style, step_columns, steps);
      if (steps.size() == steps_shown_max)
        context.out << "The first " << steps_shown_max
                    << " tasks; all of them: cascade task list --job " << *id << " --limit N\n";
      return static_cast<int>(exit_ok);
    };
  });
}

void add_waiting(CLI::App& group, cli_context& context, const std::string& name, bool progress) {
  struct options {
    std::int64_t id = 0;
    std::string timeout;
  };
  auto o = std::make_shared<options>();
  auto* sub =
      group.add_subcommand(name, progress ? "Show the progress of a job until it has finished"
                                          : "Wait until a job has finished");
  sub->add_option("id", o->id, "Number of the job")->required()->check(id_check("job"));
  sub->add_option("--timeout", o->timeout, "Wait no longer than this (exit code 5)")
      ->type_name("DURATION");
  sub->footer(
      "The exit code says how the job ended: 0 completed, 1 failed or cancelled. Ctrl-C stops the "
      "waiting, not the "
      "job.\n\nExample:\n  cascade job " +
      name + " 12 --timeout 1h && echo done");
  sub->callback([&context, o, progress] {
    context.action = [&context, o, progress] {
      wait_options how{.progress = progress, .timeout = {}};
      if (!o->timeout.empty()) how.timeout = duration_argument("--timeout", o->timeout);
      auto db = context.connect();
      return wait_and_report(context, db, o->id, how);
    };
  });
}

void add_priority(CLI::App& group, cli_context& context) {
  struct options {
    std::int64_t id = 0;
    int priority = 50;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("priority", "Give a job another priority");
  sub->add_option("id", o->id, "Number of the job")->required()->check(id_check("job"));
  sub->add_option("priority", o->priority, "0 to 100, higher first")
      ->required()
      ->check(CLI::Range(0, 100))
      ->type_name("N");
  sub->footer(
      "Goes to all its tasks that have not ended. The service applies it at once when it is 70 or "
      "more, "
      "lower ones after some seconds (propagation.*).\n\nExample:\n  cascade job priority 12 90");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      auto db = context.connect();
      const auto change = db.one(sql::cli_job_priority, pg::params{}.int8(o->id).int4(o->priority),
                                 "job " + std::to_string(o->id));
      context.say("job " + std::to_string(o->id) + ": priority " + std::to_string(o->priority) +
                      " asked for",
                  {{"id", o->id}, {"change", change}});
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace

void add_job_commands(CLI::App& app, cli_context& context) {
  auto* group = app.add_subcommand("job", "Start, watch and change jobs");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n  cascade job start nightly --input '{\"day\": \"2026-11-20\"}' --wait"
      "\n  cascade job list --status failed"
      "\n  cascade job cancel 12 13");
  group->fallthrough();
  add_start(*group, context);
  add_list(*group, context);
  add_show(*group, context);
  add_waiting(*group, context, "wait", false);
  add_waiting(*group, context, "watch", true);
  add_priority(*group, context);
  add_change(*group, context, "job", "12", "cancel", "Cancel jobs", sql::cli_job_cancel, "its end");
  add_change(*group, context, "job", "12", "retry",
             "Run again what failed, was cancelled or skipped in jobs", sql::cli_job_retry,
             "another round");
  add_limit(*group, context);
  add_change(*group, context, "job", "12", "pause", "Start no more tasks of jobs",
             sql::cli_job_pause, "a pause");
  add_change(*group, context, "job", "12", "resume", "Let paused jobs go on", sql::cli_job_resume,
             "its going on");
}

}  // namespace cascade
