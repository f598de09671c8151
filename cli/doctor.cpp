#include "cli/doctor.hpp"

#include <algorithm>
#include <cmath>

#include "cli/text.hpp"
#include "pg/migrate.hpp"

namespace cascade {
namespace {

constexpr double clock_offset_max = 1.0;  // seconds
constexpr int spare_connections_min = 10;

std::string text_of(const json_row& row, const char* key) { return row.value(key, std::string()); }

doctor_check version_check(const json_row& s) {
  const std::string found = "Postgres " + text_of(s, "version");
  if (s.value("version_num", 0) >= pg::server_version_min)
    return {"server version", doctor_check::ok, found, {}};
  return {"server version", doctor_check::fail, found, "Cascade needs Postgres 14 or newer"};
}

doctor_check primary_check(const json_row& s) {
  if (!s.value("in_recovery", false))
    return {"primary", doctor_check::ok, "this server takes writes", {}};
  return {"primary", doctor_check::fail, "this server is a standby",
          "connect to the primary; target_session_attrs=read-write in the conninfo finds it"};
}

doctor_check pooler_check(const json_row& s, int backend_pid) {
  if (s.value("backend_pid", 0) == backend_pid)
    return {"pooler", doctor_check::ok, "the connection is direct", {}};
  return {"pooler", doctor_check::warn, "something stands between here and the server",
          "fine for commands and for pushing tasks; cascaded needs one direct connection per node"};
}

doctor_check rights_check(const json_row& s) {
  const std::string user = text_of(s, "user");
  const bool may_migrate =
      s.value("superuser", false) || (s.value("createrole", false) && s.value("may_create", false));
  if (s.value("superuser", false))
    return {"rights", doctor_check::ok, user + " is a superuser", {}};
  if (s.value("may_be_engine", false))
    return {"rights",
            doctor_check::ok,
            user + " may act as cascade_engine" + (may_migrate ? " and migrate" : ", not migrate"),
            {}};
  const bool push = s.value("may_push", false), read = s.value("may_read", false);
  const std::string enough = push && read ? "enough for pushing and reading"
                             : push       ? "enough for pushing, not for reading"
                             : read       ? "enough for reading, not for pushing"
                                          : "not enough for anything";
  return {"rights", doctor_check::warn, user + " may not act as cascade_engine",
          enough + "; for cascaded and for changes: grant cascade_engine to " + user};
}

doctor_check roles_check(const json_row& s) {
  const auto count = s.contains("roles") ? s["roles"].size() : 0;
  if (count == 4)
    return {"roles",
            doctor_check::ok,
            "cascade_owner, cascade_engine, cascade_producer, cascade_reader",
            {}};
  return {"roles", doctor_check::fail, std::to_string(count) + " of 4 exist",
          "run: cascade migrate"};
}

doctor_check durability_check(const json_row& s) {
  if (text_of(s, "fsync") != "on" || text_of(s, "full_page_writes") != "on")
    return {"durability", doctor_check::fail,
            "fsync or full_page_writes is off: a crash can destroy the database", "switch both on"};
  if (text_of(s, "synchronous_commit") == "off")
    return {"durability", doctor_check::warn,
            "synchronous_commit is off: a crash of the server can lose tasks that were just pushed",
            "cascaded switches it on for itself; producers get the server's setting"};
  return {"durability",
          doctor_check::ok,
          "fsync on, synchronous_commit " + text_of(s, "synchronous_commit"),
          {}};
}

doctor_check vacuum_check(const json_row& s) {
  if (text_of(s, "autovacuum") == "on") return {"autovacuum", doctor_check::ok, "on", {}};
  return {"autovacuum", doctor_check::fail, "off: the tables grow without end", "switch it on"};
}

doctor_check connections_check(const json_row& s) {
  const int most = s.value("max_connections", 0) - s.value("reserved_connections", 0),
            used = s.value("connections", 0);
  const std::string found = std::to_string(used) + " of " + std::to_string(most) + " in use";
  if (most - used >= spare_connections_min) return {"connections", doctor_check::ok, found, {}};
  return {"connections", doctor_check::warn, found,
          "raise max_connections, or put a pooler before the producers"};
}

}  // namespace

std::vector<doctor_check> server_checks(const json_row& server, int backend_pid) {
  return {version_check(server), primary_check(server),    pooler_check(server, backend_pid),
          rights_check(server),  roles_check(server),      durability_check(server),
          vacuum_check(server),  connections_check(server)};
}

doctor_check clock_check(double server, double before, double after) {
  // Anything between the two readings is no offset at all.
  const double offset = server < before ? server - before : server > after ? server - after : 0;
  const std::string found = std::abs(offset) < 0.001
                                ? "the clocks agree"
                                : "the server is " + short_duration(std::abs(offset)) +
                                      (offset > 0 ? " ahead" : " behind");
  if (std::abs(offset) <= clock_offset_max) return {"clock", doctor_check::ok, found, {}};
  return {"clock", doctor_check::warn, found,
          "due times follow the server's clock; let both machines use NTP"};
}

}  // namespace cascade
