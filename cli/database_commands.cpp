#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cli/context.hpp"
#include "config/conninfo.hpp"
#include "pg/migrate.hpp"

namespace cascade {
namespace {

// What psql reads from its environment for each keyword of a conninfo.
struct variable {
  std::string_view keyword;
  const char* name;
};
constexpr variable variables[] = {{"host", "PGHOST"},
                                  {"hostaddr", "PGHOSTADDR"},
                                  {"port", "PGPORT"},
                                  {"dbname", "PGDATABASE"},
                                  {"user", "PGUSER"},
                                  {"password", "PGPASSWORD"},
                                  {"passfile", "PGPASSFILE"},
                                  {"service", "PGSERVICE"},
                                  {"options", "PGOPTIONS"},
                                  {"sslmode", "PGSSLMODE"},
                                  {"sslcert", "PGSSLCERT"},
                                  {"sslkey", "PGSSLKEY"},
                                  {"sslrootcert", "PGSSLROOTCERT"},
                                  {"sslcrl", "PGSSLCRL"},
                                  {"channel_binding", "PGCHANNELBINDING"},
                                  {"gssencmode", "PGGSSENCMODE"},
                                  {"connect_timeout", "PGCONNECT_TIMEOUT"},
                                  {"client_encoding", "PGCLIENTENCODING"},
                                  {"target_session_attrs", "PGTARGETSESSIONATTRS"}};

int run_psql(cli_context& context, const std::vector<std::string>& arguments) {
  const target to = find_target(context.target);
  require_database(to);
  const auto parts = parse_conninfo(to.conninfo);
  if (!parts) throw cli_failure(exit_usage, "the conninfo (" + to.origin + ") cannot be read");
  database::connect(to, context.target);  // its errors say more than psql's
  for (const auto& [keyword, value] : *parts) {
    const auto found = std::ranges::find(variables, keyword, &variable::keyword);
    if (found != std::end(variables)) ::setenv(found->name, value.c_str(), 1);
  }
  ::setenv("PGAPPNAME", "cascade psql", 1);
  std::vector<char*> argv;
  std::string program = "psql";
  argv.push_back(program.data());
  std::vector<std::string> kept = arguments;
  for (auto& a : kept) argv.push_back(a.data());
  argv.push_back(nullptr);
  context.out.flush();
  ::execvp("psql", argv.data());
  throw cli_failure(exit_failed, std::string("psql cannot be started: ") + std::strerror(errno),
                    "install it: apt-get install postgresql-client");
}

json_row row_of(const pg::migration_state& m) {
  return {{"number", m.number},
          {"name", m.name},
          {"state", m.applied_at.empty() ? "pending"
                    : m.known            ? "applied"
                                         : "unknown to this binary"},
          {"breaking", m.breaking},
          {"applied_at", m.applied_at.empty() ? json_row(nullptr) : json_row(m.applied_at)},
          {"binary_version",
           m.binary_version.empty() ? json_row(nullptr) : json_row(m.binary_version)}};
}

int run_migrate(cli_context& context, bool status_only) {
  auto db = context.connect();
  int applied = 0;
  if (!status_only) {
    auto done = pg::migrate(db.connection());
    if (!done) throw_database_failure(done.error());
    applied = done.value();
  }
  auto states = pg::migration_status(db.connection());
  if (!states) throw_database_failure(states.error());
  std::vector<json_row> rows;
  for (const auto& m : states.value()) rows.push_back(row_of(m));
  if (context.json) {
    print_json(context.out,
               status_only ? json_row(rows) : json_row{{"applied", applied}, {"migrations", rows}});
    return exit_ok;
  }
  if (!status_only)
    context.out << (applied == 0 ? "The schema is up to date."
                                 : std::to_string(applied) + " applied.")
                << "\n\n";
  print_table(context.out, context.style,
              {{"number", "no", cell::number},
               {"name", "name", cell::text, true},
               {"state", "state"},
               {"applied_at", "applied", cell::time},
               {"binary_version", "by version"}},
              rows);
  return exit_ok;
}

}  // namespace

void add_database_commands(CLI::App& app, cli_context& context) {
  auto arguments = std::make_shared<std::vector<std::string>>();
  auto* psql = app.add_subcommand("psql", "Open psql on the database of the service");
  psql->add_option("arguments", *arguments, "Arguments for psql, behind --");
  psql->footer(
      "The connection is handed over in the environment (PGHOST, PGUSER, ...), so that no password "
      "can be seen in the "
      "list of\n"
      "processes.\n\nExamples:\n  cascade psql\n  cascade psql -- -c 'select * from "
      "cascade.queue_stats'");
  psql->fallthrough();
  psql->callback([&context, arguments] {
    context.action = [&context, arguments] { return run_psql(context, *arguments); };
  });

  auto status_only = std::make_shared<bool>(false);
  auto* migrate = app.add_subcommand("migrate", "Create the schema or bring it up to date");
  migrate->add_flag("--status", *status_only, "Only list the migrations");
  migrate->footer(
      "cascaded does this itself when it starts with rights to. The user must be a superuser, or "
      "have createrole and "
      "create\n"
      "on the database.\n\nExamples:\n  cascade migrate --status\n  cascade --database 'host=db "
      "dbname=cascade "
      "user=postgres' migrate");
  migrate->fallthrough();
  migrate->callback([&context, status_only] {
    context.action = [&context, status_only] { return run_migrate(context, *status_only); };
  });
}

}  // namespace cascade
