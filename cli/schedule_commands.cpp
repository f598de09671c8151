#include <CLI/CLI.hpp>

#include <memory>

#include "cli/schedule_next.hpp"
#include "cli/text.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

const std::vector<column> schedule_columns{{"name", "name", cell::text, true},
                                           {"times", "times"},
                                           {"time_zone", "zone"},
                                           {"runs", "runs", cell::text, true},
                                           {"state", "state", cell::status},
                                           {"next_tick", "next (UTC)", cell::time},
                                           {"last_tick", "last (UTC)", cell::time},
                                           {"last_outcome", "outcome"},
                                           {"last_job", "job", cell::number},
                                           {"last_status", "status", cell::status},
                                           {"problem", "problem", cell::text, true}};

const std::vector<column> tick_columns{
    {"tick", "tick (UTC)", cell::time},      {"outcome", "outcome"},
    {"job_id", "job", cell::number},         {"status", "status", cell::status},
    {"fired_at", "fired (UTC)", cell::time}, {"finished_at", "finished (UTC)", cell::time},
    {"error", "error", cell::text, true}};

constexpr int ticks_shown = 10;

void add_list(CLI::App& group, cli_context& context) {
  auto* sub = group.add_subcommand("list", "List schedules with their last and next tick");
  sub->footer("Example:\n  cascade schedule list --json");
  sub->callback([&context] {
    context.action = [&context] {
      auto db = context.connect();
      context.show_rows(schedule_columns, db.rows(sql::cli_schedule_list));
      return static_cast<int>(exit_ok);
    };
  });
}

// A command about one schedule; `run` gets its name.
template <class Run>
CLI::App* add_named(CLI::App& group, cli_context& context, const std::string& name,
                    const std::string& about, const std::string& footer, Run run) {
  auto schedule = std::make_shared<std::string>();
  auto* sub = group.add_subcommand(name, about);
  sub->add_option("name", *schedule, "Name of the schedule")->required();
  sub->footer(footer + "Example:\n  cascade schedule " + name + " nightly");
  sub->callback([&context, schedule, run] {
    context.action = [&context, schedule, run]() -> int {
      auto db = context.connect();
      return run(context, db, *schedule);
    };
  });
  return sub;
}

std::vector<json_row> ticks_of(database& db, const std::string& name, const std::string& outcome,
                               int limit) {
  const auto given = outcome.empty() ? std::nullopt : std::optional<std::string_view>(outcome);
  return db.rows(sql::cli_schedule_ticks, pg::params{}.text(name).text(given).int8(limit));
}

int run_show(cli_context& context, database& db, const std::string& name) {
  auto found = db.rows(sql::cli_schedule_get, pg::params{}.text(name));
  if (found.empty()) throw_no_schedule(db, name);
  json_row& schedule = found.front();
  const auto ticks = ticks_of(db, name, "", ticks_shown);
  if (context.json) {
    schedule["ticks"] = ticks;
    print_json(context.out, schedule);
    return exit_ok;
  }
  print_record(context.out, context.style, schedule);
  context.out << '\n';
  print_table(context.out, context.style, tick_columns, ticks);
  return exit_ok;
}

int run_trigger(cli_context& context, database& db, const std::string& name) {
  const json_row tick =
      db.one(sql::cli_schedule_trigger, pg::params{}.text(name), "schedule " + name);
  const std::string outcome = tick["outcome"].get<std::string>();
  if (context.json) {
    print_json(context.out, tick);
  } else {
    context.out << printable(name) << ": " << outcome;
    if (!tick["job_id"].is_null()) context.out << ", job " << tick["job_id"];
    if (!tick["error"].is_null()) context.out << ": " << cell_text(tick["error"], cell::text);
    context.out << '\n';
  }
  return outcome == "started" || outcome == "queued" ? exit_ok : exit_failed;
}

int change_pause(cli_context& context, database& db, const std::string& name, bool paused) {
  const auto changed = db.one(paused ? sql::cli_schedule_pause : sql::cli_schedule_resume,
                              pg::params{}.text(name), "schedule " + name);
  context.say("schedule " + name + (paused ? " is paused" : " goes on"),
              {{"name", name}, {"paused", paused}, {"changed", changed}});
  return exit_ok;
}

void add_ticks(CLI::App& group, cli_context& context) {
  struct options {
    std::string name, outcome;
    int limit = 20;
  };
  auto o = std::make_shared<options>();
  auto* sub = group.add_subcommand("ticks", "List what became of the ticks of a schedule");
  sub->add_option("name", o->name, "Name of the schedule; also one that was dropped")->required();
  sub->add_option("--outcome", o->outcome, "Only these")
      ->check(CLI::IsMember({"started", "queued", "skipped", "failed"}));
  sub->add_option("--limit", o->limit, "At most so many")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N")
      ->default_str("20");
  sub->footer("Newest first.\n\nExample:\n  cascade schedule ticks nightly --outcome failed");
  sub->callback([&context, o] {
    context.action = [&context, o] {
      auto db = context.connect();
      const auto ticks = ticks_of(db, o->name, o->outcome, o->limit);
      if (ticks.empty() && db.rows(sql::cli_schedule_get, pg::params{}.text(o->name)).empty())
        throw_no_schedule(db, o->name);
      context.show_rows(tick_columns, ticks);
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace

void add_schedule_commands(CLI::App& app, cli_context& context) {
  auto* group = app.add_subcommand("schedule", "Apply, show and change what runs again and again");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n  cascade schedule apply nightly.yaml"
      "\n  cascade schedule next nightly -n 5"
      "\n  cascade schedule ticks nightly --limit 10");
  group->fallthrough();
  add_schedule_files(*group, context);
  add_list(*group, context);
  add_named(*group, context, "show", "Show a schedule and its last ticks", "", run_show);
  add_ticks(*group, context);
  add_schedule_next(*group, context);
  add_named(*group, context, "pause", "Let a schedule fire no more",
            "Jobs that run are not touched. Ticks that pass meanwhile are not made up for.\n\n",
            [](auto& c, auto& db, const auto& name) { return change_pause(c, db, name, true); });
  add_named(*group, context, "resume", "Let a paused schedule go on", "",
            [](auto& c, auto& db, const auto& name) { return change_pause(c, db, name, false); });
  add_named(*group, context, "trigger", "Fire a schedule now, outside of its times",
            "Also when it is paused. What `overlap` says holds: exits with 1 when nothing was "
            "started or queued.\n\n",
            run_trigger);
  add_named(*group, context, "drop", "Delete a schedule",
            "Its jobs and the record of its ticks stay.\n\n",
            [](cli_context& c, database& db, const std::string& name) -> int {
              db.one(sql::cli_schedule_drop, pg::params{}.text(name), "schedule " + name);
              c.say("schedule " + name + " dropped", {{"name", name}, {"dropped", true}});
              return exit_ok;
            });
}

}  // namespace cascade
