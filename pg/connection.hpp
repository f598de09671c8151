// pg/connection.hpp
//
// A small blocking client for the command line, migrations and tests. The engine uses
// pg/session.hpp.
//
// Thread    one at a time; every call blocks until its deadline at most.
// Deadline  when it passes, the connection is closed, since what the server does is not known any
//           more: alive() is false and every later call fails with database_unavailable.
// Errors    values; a refused statement leaves the connection usable.
// Security  no text of a failure holds the password.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pg/deadline.hpp"
#include "pg/failure.hpp"
#include "pg/handles.hpp"
#include "pg/params.hpp"
#include "pg/rows.hpp"

namespace cascade::pg {

struct connect_options {
  std::string name = "cascade";  // application_name
  std::string role;              // set role after connecting; empty: none
  std::vector<std::pair<std::string, std::string>> settings;  // set after connecting
  std::chrono::milliseconds connect_deadline{10'000};
  std::function<void(const failure&)> on_notice;  // warnings of the server; default: dropped
};

struct notification {
  std::string channel;
  std::string payload;
  int backend_pid = 0;
};

class connection {
public:
  static constexpr std::chrono::seconds call_deadline_default{30};

  static expected<connection> connect(const std::string& conninfo, connect_options options = {});
  connection(connection&&) noexcept;
  connection& operator=(connection&&) noexcept;
  ~connection();

  // One statement; binary values.
  expected<rows> exec(const std::string& sql, const params& values = {},
                      deadline until = deadline::in(call_deadline_default));
  // One statement; all values as text, to be printed.
  expected<rows> exec_as_text(const std::string& sql, const params& values = {},
                              deadline until = deadline::in(call_deadline_default));
  // Several statements, one implicit transaction unless they say otherwise; values as text. The
  // first failure counts.
  expected<std::vector<rows>> exec_text(const std::string& sql,
                                        deadline until = deadline::in(call_deadline_default));
  // Nothing when the deadline passes first, which leaves the connection as it is.
  expected<std::optional<notification>> wait_notification(deadline until);

  bool alive() const noexcept;
  int server_version() const noexcept;  // 150020 for 15.20
  int backend_pid() const noexcept;

private:
  struct state;
  explicit connection(std::unique_ptr<state> s) noexcept;

  std::unique_ptr<state> state_;
};

}  // namespace cascade::pg
