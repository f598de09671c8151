#include "tests/support/postgres.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "pg/conninfo.hpp"
#include "pg/migrate.hpp"
#include "sql/migrations.hpp"

namespace cascade::test {
namespace {

std::string schema_hash() {
  std::uint64_t h = 14695981039346656037u;  // FNV-1a
  const auto add = [&](std::string_view text) {
    for (const unsigned char c : text) h = (h ^ c) * 1099511628211u;
  };
  for (const auto& m : sql::all_migrations) {
    add(m.name);
    add(m.text);
  }
  return std::to_string(h);
}

pg::connection connect_to(const std::string& conninfo, const std::string& role = {}) {
  pg::connect_options o;
  o.name = "cascade tests";
  o.role = role;
  return must(pg::connection::connect(conninfo, o));
}

// The template's name; it exists afterwards. Made under another name first, so that a torn one is
// never cloned.
const std::string& template_database() {
  static const std::string name = [] {
    auto c = connect_to(server_conninfo());
    const std::string made = "cascade_template_" + schema_hash();
    must(c.exec("select pg_advisory_lock(727100)", {}, pg::deadline::in(std::chrono::minutes{5})));
    if (value_of(c, "select count(*)::text from pg_database where datname = $1",
                 pg::params{}.text(made)) == "0") {
      const std::string raw = made + "_raw";
      must(c.exec("drop database if exists " + raw + " with (force)"));
      must(c.exec("create database " + raw + " template template0 encoding 'UTF8'"));
      {
        auto fresh = connect_to(must(pg::with_setting(server_conninfo(), "dbname", raw)));
        must(pg::migrate(fresh));
      }
      must(c.exec("alter database " + raw + " rename to " + made));
    }
    must(c.exec("select pg_advisory_unlock(727100)"));
    return made;
  }();
  return name;
}

}  // namespace

std::string server_conninfo() {
  const char* given = std::getenv("CASCADE_TEST_DATABASE");
  if (given == nullptr || *given == '\0')
    throw std::runtime_error(
        "CASCADE_TEST_DATABASE is not set; run the tests with ctest, or see tests/CMakeLists.txt");
  return given;
}

test_database::test_database(schema s) {
  static std::atomic<int> counter{0};
  name_ = "cascade_test_" + std::to_string(::getpid()) + "_" + std::to_string(++counter);
  const std::string source = s == schema::migrated ? template_database() : "template0";
  auto c = connect_to(server_conninfo());
  must(c.exec("drop database if exists " + name_ + " with (force)"));
  must(c.exec("create database " + name_ + " template " + source));
  conninfo_ = must(pg::with_setting(server_conninfo(), "dbname", name_));
}

test_database::~test_database() {
  auto c = pg::connection::connect(server_conninfo());
  if (c) (void)c.value().exec("drop database if exists " + name_ + " with (force)");
}

std::string test_database::conninfo(std::string_view role) const {
  return must(pg::with_setting(conninfo_, "options", "-c role=" + std::string(role)));
}

pg::connection test_database::connect(const std::string& role) const {
  return connect_to(conninfo_, role);
}

std::string value_of(pg::connection& c, const std::string& sql, const pg::params& values) {
  const auto r = must(c.exec_as_text(sql, values));
  if (r.size() != 1 || r.columns() != 1) throw std::runtime_error("not one value: " + sql);
  return r.is_null(0, 0) ? "(null)" : std::string(r.text(0, 0));
}

std::string state_of(pg::connection& c, const std::string& sql) {
  const auto r = c.exec(sql);
  return r ? "ok" : r.error().sqlstate;
}

std::int64_t make_task(pg::connection& c, const task_fields& f) {
  const std::string reason =
      f.status == "waiting" && f.waiting_reason.empty() ? "dependency" : f.waiting_reason;
  pg::params p;
  p.text(f.handler).text(f.queue).jsonb(f.payload).text(f.status);
  if (reason.empty())
    p.null(pg::type::text);
  else
    p.text(reason);
  if (f.job == 0)
    p.null(pg::type::int8);
  else
    p.int8(f.job);
  p.int4(f.attempt);
  const auto r = must(c.exec(
      "with made as ("
      "  insert into cascade.task (handler, queue, payload, status, waiting_reason, job_id, "
      "    attempt, started_at, finished_at, finished_on)"
      "  select $1, $2, $3, s, $5::text::cascade.waiting_reason, $6, $7::smallint,"
      "    case when s >= 'running' then now() end, case when s >= 'completed' then now() end,"
      "    case when s >= 'completed' then cascade.today() end"
      "  from (select $4::text::cascade.task_status as s) x returning id, job_id, queue, status),"
      // Only a new task that waits or is pending stands for itself.
      "counted as (insert into cascade.counter_delta (job_id, queue, status, n)"
      "  select job_id, queue, status, 1 from made where status > 'pending')"
      "select id from made",
      p));
  return r.int64(0, 0);
}

std::int64_t make_job(pg::connection& c, const job_fields& f) {
  const auto r =
      must(c.exec("insert into cascade.job (status, input, keep_open, finished_at)"
                  " select s, $2, $3, case when s >= 'completed' then now() end from (select "
                  "$1::text::cascade.job_status as s) x"
                  " returning id",
                  pg::params{}.text(f.status).jsonb(f.input).boolean(f.keep_open)));
  return r.int64(0, 0);
}

}  // namespace cascade::test
