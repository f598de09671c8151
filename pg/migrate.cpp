#include "pg/migrate.hpp"

#include <algorithm>

#include "pg/libpq.hpp"
#include "sql/migrations.hpp"

namespace cascade::pg {
namespace {

// What must be there before the first migration; it changes the owner of both.
constexpr const char* create_log = R"sql(
create schema if not exists cascade;
create table if not exists cascade.migration (
  number int primary key,
  name text not null,
  breaking boolean not null default false,
  applied_at timestamptz not null default now(),
  binary_version text not null
);
)sql";

std::optional<failure> breaking_problem(const std::vector<migration_state>& all) {
  for (const auto& m : all)
    if (!m.known && m.breaking) {
      auto f = detail::local_failure(
          errc::database_rejected,
          "the schema has migration " + std::to_string(m.number) + " (" + m.name +
              "), which this version (" CASCADE_VERSION ") does not know and must not work with");
      f.hint =
          "It was applied by version " + m.binary_version + ": run that version or a later one.";
      return f;
    }
  return std::nullopt;
}

// Releases the lock and returns to the role of before, however the migrations ended.
class migration_lock {
public:
  explicit migration_lock(connection& c) : c_(c) {}
  migration_lock(const migration_lock&) = delete;
  migration_lock& operator=(const migration_lock&) = delete;
  ~migration_lock() {
    if (!held_ || !c_.alive()) return;
    // Outside a transaction this only warns; inside a failed one nothing else works.
    (void)c_.exec_text("rollback");
    (void)c_.exec("select pg_catalog.set_config('role', $1, false)", params{}.text(role_));
    (void)c_.exec("select pg_catalog.pg_advisory_unlock(727003)");
  }

  std::optional<failure> take(deadline until, std::chrono::milliseconds lock_wait) {
    const auto bounded =
        "set local lock_timeout = " + std::to_string(std::max<std::int64_t>(lock_wait.count(), 1)) +
        "; select pg_catalog.pg_advisory_lock(727003)";
    auto taken = c_.exec_text("begin; " + bounded + "; commit", until);
    if (taken) {
      held_ = true;
      auto role = c_.exec("select pg_catalog.current_setting('role')");
      if (!role) return std::move(role).error();
      role_ = role.value().text(0, 0);
      return std::nullopt;
    }
    auto why = std::move(taken).error();
    if (c_.alive()) (void)c_.exec_text("rollback");
    if (why.sqlstate == "55P03") why.message = "another migration is still running";
    return why;
  }

private:
  connection& c_;
  bool held_ = false;
  std::string role_ = "none";
};

std::optional<failure> apply(connection& c, const sql::migration& m, deadline until) {
  // The row first: whatever else goes wrong, two migrators cannot both get past it.
  if (auto begun = c.exec_text("begin", until); !begun) return std::move(begun).error();
  auto row = c.exec(
      "insert into cascade.migration (number, name, breaking, binary_version) values ($1, $2, $3, "
      "$4)",
      params{}
          .int4(m.number)
          .text(m.name)
          .boolean(m.breaking())
          .text(std::string_view(CASCADE_VERSION)),
      until);
  std::optional<failure> why;
  if (!row) {
    why = std::move(row).error();
  } else if (auto done = c.exec_text(m.text, until); !done) {
    why = std::move(done).error();
  } else if (auto end = c.exec_text("commit", until); !end) {
    why = std::move(end).error();
  }
  if (!why) return std::nullopt;
  if (c.alive()) (void)c.exec_text("rollback");
  why->message = "migration " + std::string(m.name) + ": " + why->message;
  return why;
}

}  // namespace

std::optional<failure> server_problem(int version) {
  if (version >= server_version_min) return std::nullopt;
  return detail::local_failure(errc::database_rejected, "this Postgres server is version " +
                                                            std::to_string(version / 10000) +
                                                            ", Cascade needs 14 or later");
}

expected<std::vector<migration_state>> migration_status(connection& c,
                                                        std::span<const sql::migration> known) {
  std::vector<migration_state> out;
  for (const auto& m : known) {
    migration_state s;
    s.number = m.number;
    s.name = m.name;
    s.breaking = m.breaking();
    out.push_back(std::move(s));
  }
  auto there = c.exec("select pg_catalog.to_regclass('cascade.migration') is not null");
  if (!there) return std::move(there).error();
  if (!there.value().boolean(0, 0)) return out;
  auto applied = c.exec(
      "select number, name, breaking, applied_at::text, binary_version from cascade.migration "
      "order by number");
  if (!applied) return std::move(applied).error();
  const auto& r = applied.value();
  for (int i = 0; i < r.size(); ++i) {
    const int number = r.int32(i, 0);
    auto at = std::ranges::find(out, number, &migration_state::number);
    if (at == out.end()) {
      migration_state unknown;
      unknown.number = number;
      unknown.name = r.text(i, 1);
      unknown.breaking = r.boolean(i, 2);
      unknown.known = false;
      at = out.insert(at, std::move(unknown));
    }
    at->applied_at = r.text(i, 3);
    at->binary_version = r.text(i, 4);
  }
  std::ranges::sort(out, {}, &migration_state::number);
  return out;
}

expected<int> migrate(connection& c, std::span<const sql::migration> known, deadline until,
                      std::chrono::milliseconds lock_wait) {
  if (auto why = server_problem(c.server_version())) return std::move(*why);
  migration_lock lock(c);
  if (auto why = lock.take(until, lock_wait)) return std::move(*why);
  auto status = migration_status(c, known);
  if (!status) return std::move(status).error();
  if (auto why = breaking_problem(status.value())) return std::move(*why);
  const bool nothing_pending =
      std::ranges::none_of(status.value(), &std::string::empty, &migration_state::applied_at);
  if (nothing_pending) return 0;
  const bool empty =
      std::ranges::all_of(status.value(), &std::string::empty, &migration_state::applied_at);
  if (empty) {
    // Without its "already exists" notices.
    auto made = c.exec_text(
        std::string("begin; set local client_min_messages = warning;") + create_log + "commit",
        until);
    if (!made) {
      if (c.alive()) (void)c.exec_text("rollback");
      return std::move(made).error();
    }
  }
  int count = 0;
  for (const auto& s : status.value()) {
    if (!s.applied_at.empty()) continue;
    const auto m = std::ranges::find(known, s.number, &sql::migration::number);
    if (auto why = apply(c, *m, until)) return std::move(*why);
    ++count;
  }
  return count;
}

expected<std::vector<migration_state>> migration_status(connection& c) {
  return migration_status(c, sql::all_migrations);
}
expected<int> migrate(connection& c, deadline until, std::chrono::milliseconds lock_wait) {
  return migrate(c, sql::all_migrations, until, lock_wait);
}

std::optional<failure> schema_problem(connection& c) {
  if (auto why = server_problem(c.server_version())) return why;
  auto status = migration_status(c);
  if (!status) return std::move(status).error();
  if (auto why = breaking_problem(status.value())) return why;
  for (const auto& m : status.value())
    if (m.applied_at.empty()) {
      auto f =
          detail::local_failure(errc::database_rejected, "the schema lacks migration " + m.name);
      f.hint = "Run: cascade migrate.";
      return f;
    }
  return std::nullopt;
}

}  // namespace cascade::pg
