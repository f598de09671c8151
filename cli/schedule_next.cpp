#include "cli/schedule_next.hpp"

#include <date/tz.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <sstream>

#include "sql/queries.hpp"
#include "state/instant_text.hpp"
#include "state/suggest.hpp"

namespace cascade {
namespace {

struct next_options {
  std::string name, cron, every, time_zone = "UTC", from;
  int count = 5;
};

cli_failure rule_failure(const schedule_problem& p) {
  return cli_failure(exit_usage, p.message, p.hint);
}

std::optional<instant> instant_of(const json_row& us) {
  if (us.is_null()) return std::nullopt;
  return instant(std::chrono::microseconds(us.get<std::int64_t>()));
}

struct question {
  schedule_source source;
  instant from;
  bool paused = false;
};

question stored(cli_context& context, const std::string& name) {
  auto db = context.connect();
  const auto rows = db.rows(sql::cli_schedule_rule, pg::params{}.text(name));
  if (rows.empty()) throw_no_schedule(db, name);
  const json_row& row = rows.front();
  question q;
  if (!row["cron"].is_null()) q.source.cron = row["cron"].get<std::string>();
  if (!row["every_us"].is_null())
    q.source.every = std::chrono::microseconds(row["every_us"].get<std::int64_t>());
  q.source.time_zone = row["time_zone"].get<std::string>();
  q.source.starts_at = instant_of(row["starts_at"]);
  q.source.ends_at = instant_of(row["ends_at"]);
  q.from = *instant_of(row["now"]);
  q.paused = row["paused"].get<bool>();
  return q;
}

question given(const next_options& o) {
  question q;
  q.source.cron = o.cron;
  if (!o.every.empty()) q.source.every = duration_argument("--every", o.every);
  q.source.time_zone = o.time_zone;
  // No database is asked, so its time is not known.
  q.from = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  return q;
}

int run_next(cli_context& context, const next_options& o) {
  if (o.name.empty() == (o.cron.empty() && o.every.empty()))
    throw cli_failure(exit_usage, "give the name of a schedule, or --cron or --every",
                      "cascade schedule next nightly, cascade schedule next --cron '0 3 * * *'");
  question q = o.name.empty() ? given(o) : stored(context, o.name);
  if (!o.from.empty()) {
    const auto from = parse_instant(o.from);
    if (!from)
      throw cli_failure(exit_usage, "--from: \"" + o.from + "\" is not a moment",
                        std::string(instant_hint));
    q.from = *from;
  }
  const auto rule = schedule_rule::make(q.source);
  if (!rule) throw rule_failure(rule.error());
  if (q.source.every) q.source.time_zone = "UTC";  // means nothing to it, and may be no zone
  std::vector<json_row> ticks;
  std::optional<instant> at = q.from;
  for (int i = 0; i < o.count && (at = rule.value().next(*at)); ++i)
    ticks.push_back(
        {{"tick", format_instant(*at)}, {"local", zoned_text(*at, q.source.time_zone)}});
  if (q.paused && !context.json) context.err << "note: it is paused; these would be its times\n";
  const std::string local = "in " + q.source.time_zone;
  context.show_rows({{"tick", "tick (UTC)", cell::time}, {"local", local}}, ticks);
  return exit_ok;
}

}  // namespace

std::optional<schedule_objection> times_objection(const schedule_definition& schedule) {
  schedule_source source{
      schedule.cron, {}, schedule.time_zone, schedule.starts_at, schedule.ends_at};
  if (schedule.every) source.every = *schedule.every;
  const auto rule = schedule_rule::make(source);
  if (rule) return std::nullopt;
  // "cron: field 2 ...": the message begins with the key.
  const auto& [message, hint] = rule.error();
  for (const std::string key : {"cron", "every", "time_zone", "starts_at", "ends_at"})
    if (message.starts_with(key + ": "))
      return schedule_objection{key, message.substr(key.size() + 2), hint};
  return schedule_objection{schedule.every ? "every" : "cron", message, hint};
}

std::string zoned_text(instant at, const std::string& zone) {
  if (zone == "UTC") return format_instant(at);
  std::ostringstream out;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  out << date::format("%FT%T%Ez %Z", date::make_zoned(date::locate_zone(zone), seconds));
  return out.str();
}

void throw_no_schedule(database& db, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& n : db.rows(sql::cli_schedule_names)) names.push_back(n.get<std::string>());
  throw cli_failure(exit_not_found, "there is no schedule \"" + name + "\"",
                    suggestion(name, names));
}

void add_schedule_next(CLI::App& group, cli_context& context) {
  auto o = std::make_shared<next_options>();
  auto* sub = group.add_subcommand("next", "Print when a schedule, or an expression, fires next");
  sub->add_option("name", o->name, "Name of a stored schedule");
  auto* cron = sub->add_option("--cron", o->cron, "This expression instead; needs no database")
                   ->type_name("EXPR");
  sub->add_option("--every", o->every, "This interval instead")
      ->type_name("DURATION")
      ->excludes(cron);
  sub->add_option("--time-zone", o->time_zone, "Of --cron: a name such as Europe/Berlin")
      ->type_name("ZONE")
      ->default_str("UTC");
  sub->add_option("--from", o->from, "After this moment instead of now")->type_name("TIME");
  sub->add_option("-n,--count", o->count, "So many")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->default_str("5");
  sub->footer(
      "Jitter is not part of a tick and is not shown.\n\nExamples:\n  cascade schedule next "
      "nightly\n  cascade schedule next --cron '0 3 * * 1-5' --time-zone Europe/Berlin -n 10");
  sub->callback(
      [&context, o] { context.action = [&context, o] { return run_next(context, *o); }; });
}

}  // namespace cascade
