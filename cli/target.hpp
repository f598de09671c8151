// cli/target.hpp
//
// Which database and which service a command speaks to, and the connection to it.
//
// Order    --database, --data-dir, $CASCADE_DATABASE_URL, then what the configuration says
//          (data_dir with its service.json, else database).
// Errors   cli_failure: exit_unreachable when there is nobody to speak to, and what the database
//          says otherwise.
// Deadline every call has target_options::deadline; the server is told the same
// (statement_timeout), so that an
//          abandoned statement does not go on.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "pg/connection.hpp"
#include "sql/query.hpp"

namespace cascade {

struct loaded_config;

struct target_options {
  std::string data_dir;
  std::string database;
  std::string config_file;
  std::chrono::milliseconds deadline{30'000};
};

// What a running cascaded says about itself in DATA_DIR/service.json.
struct service_file {
  int pid = 0;
  std::string version, conninfo, console, node;
  std::string state;  // starting, standby, ready, stopping, stopped
  std::int64_t epoch = 0;

  bool process_lives()
      const noexcept;  // as far as can be told: the system may have given its pid to another
};

struct target {
  std::string conninfo;
  std::string origin;              // for messages: "--database", "service.json in /var/lib/cascade"
  std::filesystem::path data_dir;  // empty when only a database was named
  std::optional<service_file> service;  // of data_dir
};

// Nothing when no service has run there. Throws cli_failure when the file is not what cascaded
// writes.
std::optional<service_file> read_service_file(const std::filesystem::path& data_dir);

target find_target(const target_options& options);

// Throws cli_failure when nobody said which database: a service writes its file before it knows.
// libpq would take an empty conninfo for its defaults, which may be another database.
void require_database(const target& to);

// The configuration as the command line sees it: file, environment, and --data-dir and --database.
loaded_config load_for(const target_options& options);

class database {
public:
  static database connect(const target& to, const target_options& options);

  // The rows of a query whose only column is JSON.
  std::vector<json_row> rows(const sql::query& q, const pg::params& values = {});
  // Its first row; exit_not_found with "there is no `what`" when there is none.
  json_row one(const sql::query& q, const pg::params& values, const std::string& what);
  void run(const sql::query& q, const pg::params& values = {});

  pg::connection& connection() noexcept { return connection_; }

private:
  database(pg::connection c, std::chrono::milliseconds deadline)
      : connection_(std::move(c)), deadline_(deadline) {}

  pg::connection connection_;
  std::chrono::milliseconds deadline_;
};

// What a failed call means for the exit code; texts come from the server as they are.
[[noreturn]] void throw_database_failure(const pg::failure& f);

}  // namespace cascade
