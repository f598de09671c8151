// pg/handles.hpp
//
// libpq's handles as unique_ptr with stateless deleters: as large as a pointer, and libpq-fe.h
// stays inside pg/*.cpp.
#pragma once

#include <memory>

struct pg_conn;
struct pg_result;

namespace cascade::pg {

using oid = unsigned int;

namespace detail {
struct finish {
  void operator()(pg_conn* c) const noexcept;
};
struct clear {
  void operator()(pg_result* r) const noexcept;
};
struct free_memory {
  void operator()(void* p) const noexcept;
};
}  // namespace detail

using conn_handle = std::unique_ptr<pg_conn, detail::finish>;
using result_handle = std::unique_ptr<pg_result, detail::clear>;
template <class T>
using libpq_memory = std::unique_ptr<T, detail::free_memory>;

// OIDs of built-in types: fixed since Postgres 8.3 and part of the wire protocol.
namespace type {
inline constexpr oid boolean = 16, int8 = 20, int2 = 21, int4 = 23, text = 25, json = 114,
                     float8 = 701, timestamptz = 1184, jsonb = 3802;
inline constexpr oid boolean_array = 1000, int2_array = 1005, int4_array = 1007, text_array = 1009,
                     int8_array = 1016, float8_array = 1022, timestamptz_array = 1185,
                     jsonb_array = 3807;
}  // namespace type

}  // namespace cascade::pg
