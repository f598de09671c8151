// tests/support/postgres.hpp
//
// A database of its own for each test, cloned from a template that was migrated once per version of
// the schema.
//
// Server    CASCADE_TEST_DATABASE, a connection string with superuser rights; ctest sets it
//           (tests/CMakeLists.txt).
// Sharing   several test processes may use one server at once: the template is made under an
//           advisory lock.
// Errors    a server that does not answer throws: the test fails.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "pg/connection.hpp"

namespace cascade::test {

// The server's maintenance database.
std::string server_conninfo();

// Throws with the failure's text: tests that expect success say so in one word.
template <class T>
T must(pg::expected<T> r) {
  if (!r) throw std::runtime_error(pg::to_string(r.error()));
  return std::move(r).value();
}

class test_database {
public:
  enum class schema { migrated, none };

  explicit test_database(schema s = schema::migrated);
  ~test_database();
  test_database(const test_database&) = delete;
  test_database& operator=(const test_database&) = delete;

  const std::string& name() const noexcept { return name_; }
  const std::string& conninfo() const noexcept { return conninfo_; }  // superuser
  std::string conninfo(std::string_view role) const;  // the same, acting as the role
  pg::connection connect(const std::string& role = {}) const;

private:
  std::string name_;
  std::string conninfo_;
};

// One value of one row, as text; for assertions.
std::string value_of(pg::connection& c, const std::string& sql, const pg::params& values = {});
// "ok", or the SQLSTATE of what went wrong.
std::string state_of(pg::connection& c, const std::string& sql);

struct task_fields {
  std::string handler = "noop";
  std::string queue = "default";
  std::string payload = "{}";
  std::string status = "pending";
  std::string waiting_reason = {};  // filled in for status waiting
  std::int64_t job = 0;             // 0: a loose task
  int attempt = 0;
};
// Inserts with all rights a row in any state, with the times that its state needs; returns its id.
std::int64_t make_task(pg::connection& c, const task_fields& fields = {});

struct job_fields {
  std::string status = "pending";
  std::string input = "{}";
  bool keep_open = true;
};
std::int64_t make_job(pg::connection& c, const job_fields& fields = {});

}  // namespace cascade::test
