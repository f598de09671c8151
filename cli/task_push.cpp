#include "cli/task_push.hpp"

#include <memory>

#include "cli/text.hpp"
#include "sql/queries.hpp"
#include "state/task_state.hpp"

namespace cascade {
namespace {

struct push_options {
  std::string handler, payload = "{}", queue = "default", delay, run_at, timeout, unique_key,
                       unique_for, on_conflict = "raise", concurrency_key, tenant, wait_timeout;
  std::vector<std::string> requires_tags, unique_states;
  int priority = 50, max_attempts = 5;
  std::int64_t job = 0, found_by = 0;
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
             timeout = milliseconds_of("--timeout", o.timeout),
             unique_for = milliseconds_of("--unique-for", o.unique_for);
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
  p.float8(unique_for);
  if (o.unique_states.empty())
    p.null(pg::type::text_array);
  else
    p.texts(o.unique_states);
  p.text(o.on_conflict)
      .int8(o.found_by == 0 ? std::nullopt : std::optional(o.found_by))
      .text(given(o.tenant));
  auto db = context.connect();
  const auto answer = db.one(sql::cli_task_push, p, "task");
  const auto id = answer["id"].get<std::int64_t>();
  const std::string said = "task " + std::to_string(id) +
                           (answer["new"].get<bool>() ? " pushed" : " has the key already");
  if (o.wait) {
    if (!context.json) context.err << said << std::endl;
    return wait_for_and_report(context, db, id, how);
  }
  context.say(said, answer);
  return exit_ok;
}

}  // namespace

int wait_for_and_report(cli_context& context, database& db, std::int64_t id,
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

void add_task_push(CLI::App& group, cli_context& context) {
  auto o = std::make_shared<push_options>();
  auto* sub = group.add_subcommand("push", "Push a task");
  sub->add_option("handler", o->handler, "Name of the handler that does the work")->required();
  sub->add_option("--payload", o->payload, "JSON, @FILE, or - for standard input")
      ->type_name("JSON")
      ->default_str("{}");
  sub->add_option("--queue", o->queue, "Queue")->default_str("default");
  auto* priority = sub->add_option("--priority", o->priority, "0 to 100, higher first")
                       ->check(CLI::Range(0, 100))
                       ->type_name("N")
                       ->default_str("50");
  sub->add_option("--found-by", o->found_by,
                  "The task that found this one: it has a share of its priority")
      ->check(id_check("task"))
      ->type_name("ID")
      ->excludes(priority);
  auto* delay = sub->add_option("--delay", o->delay, "Not before this time has passed")
                    ->type_name("DURATION");
  sub->add_option("--run-at", o->run_at, "Not before this moment, such as 2026-11-21T03:00:00Z")
      ->type_name("TIME")
      ->excludes(delay);
  sub->add_option("--job", o->job, "Add it to this job, which must be open")
      ->check(id_check("job"));
  sub->add_option("--max-attempts", o->max_attempts, "Tries before it fails")
      ->check(CLI::Range(1, 32767))
      ->type_name("N")
      ->default_str("5");
  sub->add_option("--timeout", o->timeout, "Longest run of one try")->type_name("DURATION");
  sub->add_option("--unique-key", o->unique_key,
                  "Refused while an unfinished task has the same key");
  sub->add_option("--unique-for", o->unique_for,
                  "The key is unique within each period of this length")
      ->type_name("DURATION");
  sub->add_option("--unique-states", o->unique_states,
                  "Final states in which the task keeps its key")
      ->delimiter(',')
      ->check(CLI::IsMember(
          std::vector<std::string>(task_state_names.begin(), task_state_names.end())));
  sub->add_option("--on-conflict", o->on_conflict,
                  "When the key is taken: raise (an error), or answer with the task that has it: "
                  "skip, replace (its payload), reschedule (its payload and time)")
      ->check(CLI::IsMember({"raise", "skip", "replace", "reschedule"}))
      ->default_str("raise");
  sub->add_option("--concurrency-key", o->concurrency_key,
                  "Tasks with the same key run one after the other");
  sub->add_option("--tenant", o->tenant, "For whom it runs: tenants of a queue share it fairly");
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

}  // namespace cascade
