#include "cli/target.hpp"

#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "cli/failure.hpp"
#include "config/conninfo.hpp"
#include "config/load.hpp"

namespace cascade {
namespace {

constexpr std::streamsize service_file_bytes_max = 64 << 10;

exit_code exit_of(const pg::failure& f) {
  const std::string& s = f.sqlstate;
  if (s == "CA002" || s == "CA004" || s == "CA005") return exit_not_found;
  if (s == "CA003" || s == "CA006" || s == "CA011") return exit_usage;
  if (s.starts_with("22") || s.starts_with("23")) return exit_usage;  // the data of the request
  if (f.code == errc::database_unavailable || f.code == errc::deadline_exceeded)
    return exit_unreachable;
  if (s == "3F000" || s == "42P01" || s == "42883") return exit_unreachable;  // no schema
  return exit_failed;
}

std::string no_service(const std::filesystem::path& dir) {
  return "no service has run in " + dir.string();
}
std::string start_it(const std::filesystem::path& dir) {
  return "start it with: cascaded --data-dir " + dir.string();
}

target from_data_dir(const std::filesystem::path& dir) {
  auto service = read_service_file(dir);
  if (!service) throw cli_failure(exit_unreachable, no_service(dir), start_it(dir));
  return {service->conninfo, "service.json in " + dir.string(), dir, std::move(service)};
}

}  // namespace

bool service_file::process_lives() const noexcept {
  return state != "stopped" && pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM);
}

std::optional<service_file> read_service_file(const std::filesystem::path& data_dir) {
  const auto path = data_dir / "service.json";
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  if (error)
    throw cli_failure(exit_unreachable, path.string() + ": " + error.message(),
                      "run the command as a user who may enter the directory");
  if (!there) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string text(service_file_bytes_max, '\0');
  in.read(text.data(), service_file_bytes_max);
  if (!in.is_open() || in.bad())
    throw cli_failure(exit_unreachable, path.string() + " cannot be read", "check its permissions");
  text.resize(static_cast<std::size_t>(in.gcount()));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  try {
    service_file out;
    out.pid = json.at("pid").get<int>();
    out.conninfo = json.at("conninfo").get<std::string>();
    out.version = json.value("version", "");
    out.console = json.value("console", "");
    out.state = json.value("state", "");
    out.node = json.value("node", "");
    out.epoch = json.value("epoch", std::int64_t{0});
    return out;
  } catch (const nlohmann::json::exception&) {
    throw cli_failure(exit_unreachable, path.string() + " is not what cascaded writes",
                      "restart the service: it writes the file anew");
  }
}

loaded_config load_for(const target_options& options) {
  auto sources = config_sources::of_process();
  if (!options.config_file.empty()) sources.file = options.config_file;
  if (!options.data_dir.empty())
    sources.flags.push_back({"data_dir", options.data_dir, "--data-dir"});
  if (!options.database.empty())
    sources.flags.push_back({"database", options.database, "--database"});
  return load_settings(sources);
}

target find_target(const target_options& options) {
  if (!options.database.empty())
    return {options.database, "--database", options.data_dir, std::nullopt};
  if (!options.data_dir.empty()) return from_data_dir(options.data_dir);
  if (const char* url = std::getenv("CASCADE_DATABASE_URL"); url != nullptr && *url != '\0')
    return {url, "CASCADE_DATABASE_URL", {}, std::nullopt};
  const loaded_config config = load_for(options);
  if (!config.problems.empty())
    throw cli_failure(exit_usage, "the configuration has mistakes:\n" + to_string(config.problems));
  const auto& s = config.values;
  if (read_service_file(s.data_dir)) return from_data_dir(s.data_dir);
  if (!s.database.empty())
    return {s.database, "database of the configuration", s.data_dir, std::nullopt};
  throw cli_failure(
      exit_unreachable, no_service(s.data_dir),
      start_it(s.data_dir) + ", or name a database with --database or CASCADE_DATABASE_URL");
}

void require_database(const target& to) {
  if (!to.conninfo.empty()) return;
  if (!to.service) throw cli_failure(exit_usage, to.origin + " is empty");
  const std::string who = "the service in " + to.data_dir.string();
  if (!to.service->process_lives())
    throw cli_failure(exit_unreachable, who + " is not running", start_it(to.data_dir));
  throw cli_failure(exit_unreachable,
                    who + " is " + (to.service->state.empty() ? "starting" : to.service->state),
                    "its database is not known yet: wait a moment, then see its log");
}

database database::connect(const target& to, const target_options& options) {
  require_database(to);
  pg::connect_options how;
  how.name = "cascade cli";
  how.connect_deadline =
      std::min<std::chrono::milliseconds>(options.deadline, std::chrono::seconds(10));
  how.settings = {{"statement_timeout", std::to_string(options.deadline.count())},
                  {"TimeZone", "UTC"}};
  auto made = pg::connection::connect(to.conninfo, how);
  if (made) return {std::move(made).value(), options.deadline};
  const auto& f = made.error();
  if (to.service && !to.service->process_lives())
    throw cli_failure(exit_unreachable,
                      "the service in " + to.data_dir.string() +
                          " is not running, and its database does not answer",
                      start_it(to.data_dir), f.sqlstate);
  throw cli_failure(
      exit_unreachable, "no connection to the database (" + to.origin + "): " + f.message,
      f.hint.empty() ? "is it running, and is this right: " + conninfo_without_secrets(to.conninfo)
                     : f.hint,
      f.sqlstate);
}

std::vector<json_row> database::rows(const sql::query& q, const pg::params& values) {
  auto answer = connection_.exec_as_text(q.text, values, pg::deadline::in(deadline_));
  if (!answer) throw_database_failure(answer.error());
  std::vector<json_row> out;
  for (int i = 0; i < answer.value().size(); ++i) {
    if (answer.value().is_null(i, 0))
      out.emplace_back(nullptr);
    else
      out.push_back(json_row::parse(answer.value().text(i, 0), nullptr, false));
  }
  return out;
}

json_row database::one(const sql::query& q, const pg::params& values, const std::string& what) {
  auto all = rows(q, values);
  if (all.empty()) throw cli_failure(exit_not_found, "there is no " + what);
  return std::move(all.front());
}

void database::run(const sql::query& q, const pg::params& values) {
  auto answer = connection_.exec_as_text(q.text, values, pg::deadline::in(deadline_));
  if (!answer) throw_database_failure(answer.error());
}

void throw_database_failure(const pg::failure& f) {
  const exit_code exit = exit_of(f);
  std::string hint = f.hint;
  if (hint.empty() && (f.sqlstate == "3F000" || f.sqlstate == "42P01" || f.sqlstate == "42883"))
    hint = "the schema is missing or old; bring it up to date with: cascade migrate";
  if (hint.empty() && f.sqlstate == "42501") hint = "sql/README.md says which role may do what";
  throw cli_failure(exit, f.message, hint, f.sqlstate);
}

}  // namespace cascade
