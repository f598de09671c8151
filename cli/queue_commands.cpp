#include <CLI/CLI.hpp>

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/change_command.hpp"
#include "cli/context.hpp"
#include "cli/failure.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

const std::vector<column> queue_columns{
    {"queue", "queue", cell::text, true}, {"paused", "paused"},
    {"waiting", "waiting", cell::number}, {"pending", "pending", cell::number},
    {"running", "running", cell::number}, {"completed", "completed", cell::number},
    {"failed", "failed", cell::number},   {"cancelled", "cancelled", cell::number},
    {"skipped", "skipped", cell::number}, {"quarantined", "quarantined", cell::number}};

// How often: "100/1m"; "5" is five a second, "none" takes the limit away.
struct rate_given {
  std::optional<double> count;
  double seconds = 1;
};

rate_given rate_argument(const std::string& name, const std::string& given) {
  if (given == "none") return {};
  const auto slash = given.find('/');
  double count = 0;
  const char* const end = given.data() + std::min(slash, given.size());
  const auto [at, error] = std::from_chars(given.data(), end, count);
  if (error != std::errc{} || at != end || count <= 0)
    throw cli_failure(exit_usage, name + ": \"" + given +
                                      "\" is not a rate; write for example 100/1m, 5 (a second), "
                                      "or none");
  rate_given rate{count, 1};
  if (slash != std::string::npos)
    rate.seconds =
        static_cast<double>(duration_argument(name, given.substr(slash + 1)).count()) / 1000;
  return rate;
}

// A whole number, or none.
std::optional<double> count_argument(const std::string& name, const std::string& given) {
  if (given == "none") return std::nullopt;
  std::int32_t count = 0;
  const char* const end = given.data() + given.size();
  const auto [at, error] = std::from_chars(given.data(), end, count);
  if (error != std::errc{} || at != end || count < 1)
    throw cli_failure(exit_usage,
                      name + ": \"" + given + "\" is not allowed; write a number from 1, or none");
  return count;
}

struct limit_options {
  std::string queue, rate, key_rate, key_gap, concurrency, depth, when_full;
  int burst = 0, key_burst = 0, key_concurrency = 0;
};

int limit(cli_context& context, const limit_options& o) {
  auto db = context.connect();
  json_row answer{{"queue", o.queue}};
  const auto set = [&](const char* what, std::optional<double> much, double seconds, int burst,
                       std::optional<std::string> when_full = {}) {
    answer[what] = db.one(sql::cli_queue_limit,
                          pg::params{}
                              .text(o.queue)
                              .text(what)
                              .float8(much)
                              .float8(seconds)
                              .int4(burst == 0 ? std::nullopt : std::optional(burst))
                              .text(when_full),
                          "queue " + o.queue);
  };
  if (!o.rate.empty()) {
    const auto r = rate_argument("--rate", o.rate);
    set("rate", r.count, r.seconds, o.burst);
  }
  if (!o.key_rate.empty()) {
    const auto r = rate_argument("--key-rate", o.key_rate);
    set("key_rate", r.count, r.seconds, o.key_burst);
  }
  if (!o.key_gap.empty()) {
    const auto gap = duration_argument("--key-gap", o.key_gap);
    set("key_rate", 1, static_cast<double>(gap.count()) / 1000, 1);
  }
  if (!o.concurrency.empty()) {
    set("concurrency", count_argument("--concurrency", o.concurrency), 1, 0);
  }
  if (o.key_concurrency != 0 || !o.when_full.empty())
    set("key_concurrency",
        o.key_concurrency == 0 ? std::nullopt : std::optional<double>(o.key_concurrency), 1, 0,
        o.when_full.empty() ? std::nullopt : std::optional(o.when_full));
  if (!o.depth.empty()) set("depth", count_argument("--depth", o.depth), 1, 0);
  context.say("queue " + o.queue + ": its limits were changed", answer);
  return exit_ok;
}

void add_limit(CLI::App& group, cli_context& context) {
  auto o = std::make_shared<limit_options>();
  auto* sub =
      group.add_subcommand("limit", "How often, and how many at once, tasks of a queue run");
  sub->add_option("queue", o->queue, "Name of the queue")->required();
  auto* what = sub->add_option_group("limits");
  auto* rate = what->add_option("--rate", o->rate, "Starts of the whole queue: 100/1m, or none")
                   ->type_name("RATE");
  auto* key_rate =
      what->add_option("--key-rate", o->key_rate, "Starts of the tasks with the same rate_key")
          ->type_name("RATE");
  what->add_option("--key-gap", o->key_gap, "Least time between two starts with the same rate_key")
      ->type_name("DURATION")
      ->excludes(key_rate);
  what->add_option("--concurrency", o->concurrency, "Tasks of the queue that run at once, or none")
      ->type_name("N");
  what->add_option("--key-concurrency", o->key_concurrency,
                   "Tasks with the same concurrency_key that run at once (1 unless set)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  what->add_option("--when-full", o->when_full, "What becomes of a task whose key has no free slot")
      ->check(CLI::IsMember({"wait", "cancel_newest", "cancel_running", "round_robin"}))
      ->type_name("STRATEGY");
  what->add_option("--depth", o->depth, "Tasks that may wait; further ones are refused; or none")
      ->type_name("N");
  what->require_option(1, 0);
  sub->add_option("--burst", o->burst, "Starts at once after a pause; what a second brings")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N")
      ->needs(rate);
  sub->add_option("--key-burst", o->key_burst, "The same for each rate_key")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N")
      ->needs(key_rate);
  sub->footer(
      "Takes effect within milliseconds, for what waits too; nothing that runs is stopped.\n\n"
      "Examples:\n  cascade queue limit mail --rate 100/1m --burst 10\n  cascade queue limit crawl "
      "--key-gap 2s --concurrency 50\n  cascade queue limit mail --rate none");
  sub->callback([&context, o] { context.action = [&context, o] { return limit(context, *o); }; });
}

void add_weigh(CLI::App& group, cli_context& context) {
  struct options {
    std::string queue, tenant;
    double weight = 1;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("weigh", "The share of a queue, or of a tenant in it");
  sub->add_option("queue", o->queue, "Name of the queue")->required();
  sub->add_option("weight", o->weight, "0.001 to 1000; 1 unless it is set")
      ->required()
      ->check(CLI::Range(0.001, 1000.0));
  sub->add_option("--tenant", o->tenant, "Of this tenant, among those of the queue");
  sub->footer(
      "Queues whose next tasks have the same priority share the workers by their weights.\n\n"
      "Examples:\n  cascade queue weigh mail 3\n  cascade queue weigh mail 0.5 --tenant acme");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      auto db = context.connect();
      const auto command =
          db.one(sql::cli_queue_weigh,
                 pg::params{}
                     .text(o->queue)
                     .text(o->tenant.empty() ? std::nullopt : std::optional(o->tenant))
                     .float8(o->weight),
                 "queue " + o->queue);
      context.say("queue " + o->queue + ": its shares were changed",
                  {{"queue", o->queue}, {"weight", o->weight}, {"command", command}});
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace

void add_queue_commands(CLI::App& app, cli_context& context) {
  auto* group = app.add_subcommand("queue", "List, pause, resume and limit queues");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n  cascade queue list"
      "\n  cascade queue limit mail --rate 100/1m --concurrency 4"
      "\n  cascade queue pause mail");
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
  add_pause(*group, context, "queue", "mail", "Start no more tasks of a queue",
            sql::cli_queue_pause);
  add_limit(*group, context);
  add_weigh(*group, context);
  add_resume(*group, context, "queue", "mail", "Let a paused queue go on", sql::cli_queue_resume);
}

}  // namespace cascade
