// pg/libpq.hpp
//
// Private to pg/: libpq's header and the few translations that both kinds of connections share.
#pragma once

#include <libpq-fe.h>

#include <string>

#include "pg/failure.hpp"
#include "pg/handles.hpp"

namespace cascade::pg::detail {

failure failure_of(const PGresult* r);
failure failure_of(const PGconn* c, std::string_view doing);
inline failure local_failure(errc code, std::string message) {
  failure f;
  f.code = code;
  f.message = std::move(message);
  return f;
}

// FATAL, PANIC, or not the server's at all: the connection is of no use any more.
bool ends_connection(const PGresult* r);

// Checks the connection string without ever repeating it, then begins to connect
// (PQconnectStartParams).
expected<conn_handle> begin_connect(const std::string& conninfo,
                                    const std::string& application_name);

}  // namespace cascade::pg::detail
