#include <CLI/CLI.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cmath>

#include "cli/context.hpp"
#include "cli/doctor.hpp"
#include "cli/text.hpp"
#include "pg/migrate.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

doctor_check check_listen(database& db) {
  db.run(sql::cli_doctor_listen);
  db.run(sql::cli_doctor_notify);
  auto heard = db.connection().wait_notification(pg::deadline::in(std::chrono::seconds(2)));
  if (heard && heard.value()) return {"listen", doctor_check::ok, "notifications arrive", {}};
  return {"listen", doctor_check::fail, "a notification did not come back within 2 s",
          "connect directly, not through a pooler in transaction mode: the service needs one "
          "direct connection per node"};
}

doctor_check check_migrations(database& db) {
  auto states = pg::migration_status(db.connection());
  if (!states)
    return {"schema", doctor_check::warn,
            "its migrations cannot be read: " + states.error().message,
            "the user needs select on cascade.migration: grant it cascade_reader"};
  int pending = 0, unknown = 0;
  bool breaking = false;
  for (const auto& m : states.value()) {
    pending += m.applied_at.empty() ? 1 : 0;
    unknown += m.known ? 0 : 1;
    breaking = breaking || (!m.known && m.breaking);
  }
  if (breaking)
    return {"schema", doctor_check::fail, "the schema is newer than this binary and not compatible",
            "install the newer version of cascade"};
  if (pending > 0)
    return {"schema", doctor_check::fail, std::to_string(pending) + " migrations are pending",
            "run: cascade migrate"};
  if (unknown > 0)
    return {"schema", doctor_check::warn, "the schema is newer than this binary, but compatible",
            "install the newer version of cascade"};
  return {"schema", doctor_check::ok, "up to date", {}};
}

doctor_check check_holders(database& db) {
  const auto holders = db.rows(sql::cli_doctor_transactions);
  if (holders.empty()) return {"old transactions", doctor_check::ok, "none", {}};
  std::string found;
  for (const auto& h : holders) {
    found += (found.empty() ? "" : "; ") + h.value("holder", "");
    if (h["seconds"].is_number()) found += " for " + short_duration(h["seconds"].get<double>());
    if (h["state"].is_string()) found += " (" + h["state"].get<std::string>() + ")";
  }
  return {"old transactions", doctor_check::warn, found,
          "they keep dead rows from being cleaned and make the tables grow: end them, or set "
          "idle_in_transaction_session_timeout"};
}

doctor_check check_data_dir(const std::filesystem::path& dir) {
  struct stat about {};
  if (::stat(dir.c_str(), &about) != 0)
    return {"data directory", doctor_check::warn, dir.string() + " cannot be looked at",
            "run the command as the user of the service"};
  if ((about.st_mode & 0022) != 0)
    return {"data directory", doctor_check::fail, dir.string() + " can be written by others",
            "chmod go-w " + dir.string()};
  return {"data directory", doctor_check::ok, dir.string(), {}};
}

doctor_check check_service(const target& to) {
  const std::string& state = to.service->state;
  const std::string dir = to.data_dir.string();
  if (!to.service->process_lives())
    return {"service", doctor_check::fail, "the service in " + dir + " does not run",
            "start it with: cascaded --data-dir " + dir};
  if (state == "standby")
    return {"service", doctor_check::ok, "standby: another node owns the database", {}};
  if (state == "ready") return {"service", doctor_check::ok, "it runs", {}};
  return {"service", doctor_check::warn, state.empty() ? "not ready" : state,
          "wait a moment, then see its log"};
}

std::vector<doctor_check> all_checks(cli_context& context) {
  const target to = find_target(context.target);
  std::vector<doctor_check> out;
  if (to.service) out.push_back(check_service(to));
  std::optional<database> made;
  try {
    made.emplace(database::connect(to, context.target));
  } catch (const cli_failure& f) {
    if (out.empty() || out.back().verdict != doctor_check::fail) throw;
    out.push_back({"connection", doctor_check::fail, f.message, f.hint});
    return out;
  }
  auto& db = *made;
  out.push_back({"connection", doctor_check::ok, "by " + to.origin, {}});
  const double before = wall_clock();
  const json_row server = db.one(sql::cli_doctor_server, {}, "answer");
  const double after = wall_clock();
  for (auto& check : server_checks(server, db.connection().backend_pid()))
    out.push_back(std::move(check));
  out.push_back(clock_check(server.value("clock", 0.0), before, after));
  out.push_back(check_listen(db));
  if (server.value("has_schema", false))
    out.push_back(check_migrations(db));
  else
    out.push_back({"schema", doctor_check::fail, "there is none", "run: cascade migrate"});
  out.push_back(check_holders(db));
  if (!to.data_dir.empty()) out.push_back(check_data_dir(to.data_dir));
  return out;
}

int run_doctor(cli_context& context) {
  const auto checks = all_checks(context);
  int bad = 0, doubtful = 0;
  std::vector<json_row> rows;
  for (const auto& c : checks) {
    bad += c.verdict == doctor_check::fail ? 1 : 0;
    doubtful += c.verdict == doctor_check::warn ? 1 : 0;
    rows.push_back({{"check", c.name},
                    {"status", to_string(c.verdict)},
                    {"found", c.found},
                    {"advice", c.advice.empty() ? json_row(nullptr) : json_row(c.advice)}});
  }
  if (context.json) {
    print_json(context.out, json_row{{"status", bad > 0        ? "FAIL"
                                                : doubtful > 0 ? "WARN"
                                                               : "OK"},
                                     {"checks", rows}});
  } else {
    for (const auto& c : checks) {
      std::string name(c.name);
      name.resize(std::max<std::size_t>(name.size(), 18), ' ');
      std::string word = to_string(c.verdict);
      context.out << coloured_status(context.style, word) << std::string(6 - word.size(), ' ')
                  << name << printable(c.found) << '\n';
      if (!c.advice.empty())
        context.out << std::string(6, ' ') << std::string(18, ' ') << "-> " << printable(c.advice)
                    << '\n';
    }
  }
  return bad > 0 ? exit_failed : exit_ok;
}

}  // namespace

void add_doctor_command(CLI::App& app, cli_context& context) {
  auto* sub =
      app.add_subcommand("doctor", "Check the database and the node for what commonly goes wrong");
  sub->footer(
      "Exits with 1 when a check is FAIL; WARN does not count.\n\n"
      "Examples:\n  cascade doctor\n  cascade doctor --json | jq '.checks[] | select(.status != "
      "\"OK\")'");
  sub->fallthrough();
  sub->callback([&context] { context.action = [&context] { return run_doctor(context); }; });
}

}  // namespace cascade
