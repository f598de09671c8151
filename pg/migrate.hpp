// pg/migrate.hpp
//
// Brings the schema up to date: applies the migrations that the build embeds from sql/migrations/.
//
// Thread       blocking; any number of processes may migrate at once: an advisory lock lets one
//              work, the others find it done. A process that dies half-way leaves whole migrations
//              only.
// Rights       the connection must belong to a superuser, or to a role with createrole and create
//              on the database.
// Refuses      servers older than 14; a schema with a breaking migration that this binary does not
//              know.
// Connection   should be direct (session locks do not survive a pooler in transaction mode); its
//              role is as before afterwards, whatever migrations set.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "sql/query.hpp"

namespace cascade::pg {

// As PQserverVersion says it.
inline constexpr int server_version_min = 140'000;
std::optional<failure> server_problem(int version);

struct migration_state {
  int number = 0;
  std::string name;
  bool breaking = false;
  bool known = true;       // this binary has it
  std::string applied_at;  // empty: pending
  std::string binary_version;
};

// All migrations, those of the binary and those of the schema, by number. An empty database is no
// failure.
expected<std::vector<migration_state>> migration_status(connection& c);
expected<std::vector<migration_state>> migration_status(connection& c,
                                                        std::span<const sql::migration> known);

// Returns how many were applied. `lock_wait` bounds the wait for another migrator, `until` the
// whole.
expected<int> migrate(connection& c, deadline until = deadline::in(std::chrono::minutes{10}),
                      std::chrono::milliseconds lock_wait = std::chrono::minutes{1});
expected<int> migrate(connection& c, std::span<const sql::migration> known, deadline until,
                      std::chrono::milliseconds lock_wait);

// Nothing when this binary may work with the schema: no unknown breaking migration, none of its own
// missing.
std::optional<failure> schema_problem(connection& c);

}  // namespace cascade::pg
