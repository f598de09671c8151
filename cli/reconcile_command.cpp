#include <CLI/CLI.hpp>

#include <memory>

#include "cli/context.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

constexpr std::int64_t slice_bytes = 16 << 20;
constexpr int tries_max = 3;  // the service's own round may come between

const std::vector<column> repair_columns{{"kind", "of"},
                                         {"name", "name", cell::text, true},
                                         {"status", "state", cell::status},
                                         {"off_by", "off by", cell::number}};

void say_to(database& db, const std::string& command) {
  auto done = db.connection().exec_text(command);
  if (!done) throw_database_failure(done.error());
}

// One round over everything, nothing remembered, in one transaction.
json_row compare(database& db, bool keep) {
  say_to(db, "begin isolation level repeatable read");
  db.run(sql::reconcile_lock);
  db.run(sql::begin_reconciling, pg::params{}.int8(slice_bytes).int8(0));
  constexpr const char* numbers[] = {"tasks", "jobs", "queues", "workflows"};
  json_row report;
  for (const char* key : numbers) report[key] = 0;
  report["repaired"] = keep;
  report["repairs"] = json_row::array();
  for (bool over = false; !over;) {
    const json_row step = db.one(sql::reconcile_step, {}, "step");
    for (const char* key : numbers)
      report[key] = report[key].get<std::int64_t>() + step[key].get<std::int64_t>();
    for (const auto& r : step["repairs"]) report["repairs"].push_back(r);
    over = step["over"].get<bool>();
  }
  say_to(db, keep ? "commit" : "rollback");
  return report;
}

int run_reconcile(cli_context& context, bool check) {
  auto db = context.connect();
  json_row report;
  for (int tries = 1; report.empty(); ++tries) {
    try {
      report = compare(db, !check);
    } catch (const cli_failure& f) {
      if (f.sqlstate != "40001" || tries == tries_max) throw;
      say_to(db, "rollback");
    }
  }
  const auto wrong = report["repairs"].size();
  if (context.json) {
    print_json(context.out, report);
  } else {
    if (wrong > 0) {
      print_table(context.out, context.style, repair_columns,
                  report["repairs"].get<std::vector<json_row>>());
      context.out << '\n';
    }
    context.out << "Counted " << report["tasks"] << " tasks of " << report["jobs"] << " jobs, "
                << report["queues"] << " queues and " << report["workflows"] << " workflows: "
                << (wrong == 0 ? "all counters are right."
                               : std::to_string(wrong) + (wrong == 1 ? " was" : " were") +
                                     (check ? " wrong, nothing is changed." : " wrong, repaired."))
                << '\n';
  }
  return wrong == 0 ? exit_ok : exit_failed;
}

}  // namespace

void add_reconcile_command(CLI::App& app, cli_context& context) {
  auto check = std::make_shared<bool>(false);
  auto* sub = app.add_subcommand(
      "reconcile", "Compare all counters with the tasks, and repair those that are wrong");
  sub->add_flag("--check", *check, "Only say what is wrong");
  sub->footer(
      "Everything is counted, at one snapshot and in short statements; nobody waits for it. The "
      "service does the\nsame by itself, every reconcile.every, and does not have to run for "
      "this. Needs the rights of cascade_engine.\n"
      "Exits with 1 when a counter was wrong, whether it was repaired or not.\n\n"
      "Examples:\n  cascade reconcile\n  cascade reconcile --check --json | jq '.repairs[]'");
  sub->fallthrough();
  sub->callback([&context, check] {
    context.action = [&context, check] { return run_reconcile(context, *check); };
  });
}

}  // namespace cascade
