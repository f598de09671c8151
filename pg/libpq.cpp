#include "pg/libpq.hpp"

#include <cstring>

#include "pg/sqlstate.hpp"

namespace cascade::pg {

namespace detail {

void finish::operator()(pg_conn* c) const noexcept { PQfinish(c); }
void clear::operator()(pg_result* r) const noexcept { PQclear(r); }
void free_memory::operator()(void* p) const noexcept { PQfreemem(p); }

namespace {

std::string field(const PGresult* r, int code) {
  const char* text = PQresultErrorField(r, code);
  return text ? text : "";
}

std::string trimmed(const char* text) {
  std::string out = text ? text : "";
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

}  // namespace

failure failure_of(const PGresult* r) {
  failure f;
  f.sqlstate = field(r, PG_DIAG_SQLSTATE);
  f.code = classify(f.sqlstate);
  f.message = field(r, PG_DIAG_MESSAGE_PRIMARY);
  if (f.message.empty()) f.message = trimmed(PQresultErrorMessage(r));
  f.detail = field(r, PG_DIAG_MESSAGE_DETAIL);
  f.hint = field(r, PG_DIAG_MESSAGE_HINT);
  f.constraint = field(r, PG_DIAG_CONSTRAINT_NAME);
  return f;
}

failure failure_of(const PGconn* c, std::string_view doing) {
  const std::string why = trimmed(PQerrorMessage(c));
  return local_failure(errc::database_unavailable,
                       std::string(doing) + (why.empty() ? "" : ": " + why));
}

bool ends_connection(const PGresult* r) {
  const char* severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity == nullptr) return PQresultErrorField(r, PG_DIAG_SQLSTATE) == nullptr;
  return std::strcmp(severity, "FATAL") == 0 || std::strcmp(severity, "PANIC") == 0;
}

expected<conn_handle> begin_connect(const std::string& conninfo,
                                    const std::string& application_name) {
  // libpq quotes the piece that it cannot parse, which may be a password: its text is dropped.
  char* why = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(conninfo.c_str(), &why);
  PQfreemem(why);
  if (parsed == nullptr)
    return local_failure(
        errc::database_rejected,
        "the connection string cannot be parsed (not shown: it may hold a password)");
  PQconninfoFree(parsed);

  // Before dbname: defaults that the connection string may change. After it: what it may not
  // change.
  const char* const keys[] = {
      "keepalives_idle", "keepalives_interval", "keepalives_count", "gssencmode",
      "dbname",          "application_name",    "client_encoding",  nullptr};
  const char* const values[] = {
      "30", "10", "3", "disable", conninfo.c_str(), application_name.c_str(), "UTF8", nullptr};
  conn_handle c{PQconnectStartParams(keys, values, 1)};
  if (!c) return local_failure(errc::database_unavailable, "out of memory for a connection");
  if (PQstatus(c.get()) == CONNECTION_BAD) return failure_of(c.get(), "cannot connect");
  return c;
}

}  // namespace detail

std::string to_string(const failure& f) {
  std::string out = f.message.empty() ? to_string(f.code) : f.message;
  if (!f.sqlstate.empty()) out += " [" + f.sqlstate + "]";
  if (!f.detail.empty()) out += " Detail: " + f.detail;
  if (!f.hint.empty()) out += " Hint: " + f.hint;
  return out;
}

}  // namespace cascade::pg
