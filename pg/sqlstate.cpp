#include "pg/sqlstate.hpp"

namespace cascade::pg {
namespace {

struct rule {
  std::string_view prefix;  // the first match counts, so single codes stand before their class
  errc code;
};

constexpr rule rules[] = {
    {"40002", errc::database_rejected},     // integrity constraint violation at commit
    {"40", errc::database_conflict},        // serialization failure, deadlock, unknown completion
    {"55P03", errc::database_conflict},     // lock not available
    {"55006", errc::database_conflict},     // object in use
    {"57014", errc::deadline_exceeded},     // statement_timeout, or somebody cancelled it
    {"08P01", errc::database_rejected},     // protocol violation: malformed binary values too
    {"08", errc::database_unavailable},     // connection exceptions
    {"57P", errc::database_unavailable},    // shutdown, crash, starting up, idle session timeout
    {"53", errc::database_unavailable},     // too many connections, disk full, out of memory
    {"58", errc::database_unavailable},     // I/O errors outside the database
    {"25006", errc::database_unavailable},  // read only: a standby, the primary is elsewhere
    {"25P03", errc::database_unavailable},  // idle-in-transaction timeout closes the connection
};

constexpr std::string_view data_classes[] = {"21", "22", "23", "44", "54", "CA"};

}  // namespace

errc classify(std::string_view sqlstate) noexcept {
  if (sqlstate.empty()) return errc::database_unavailable;
  for (const auto& r : rules)
    if (sqlstate.starts_with(r.prefix)) return r.code;
  return errc::database_rejected;
}

bool blames_data(std::string_view sqlstate) noexcept {
  for (const auto prefix : data_classes)
    if (sqlstate.starts_with(prefix)) return true;
  return false;
}

}  // namespace cascade::pg
