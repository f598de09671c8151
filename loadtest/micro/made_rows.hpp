// loadtest/micro/made_rows.hpp
//
// Rows as a session receives them, without a server: libpq's own result, binary, filled with the
// wire form that pg::params gives values. Column types are those of the first row.
#pragma once

#include <libpq-fe.h>

#include <new>
#include <string>
#include <vector>

#include "pg/params.hpp"
#include "pg/rows.hpp"

namespace cascade {

class made_rows {
public:
  void add(const pg::params& values) {
    if (count_ == 0) describe(values);
    for (int c = 0; c < values.size(); ++c) {
      // The signature lacks a const; the value is copied.
      auto* data = const_cast<char*>(values.data(c));
      if (!PQsetvalue(result_.get(), count_, c, data, values.is_null(c) ? -1 : values.length(c)))
        throw std::bad_alloc();
    }
    ++count_;
  }
  pg::rows take() { return pg::rows(std::move(result_)); }

private:
  void describe(const pg::params& values) {
    std::vector<PGresAttDesc> columns(static_cast<std::size_t>(values.size()));
    std::string name = "?column?";
    for (int c = 0; c < values.size(); ++c) {
      auto& column = columns[static_cast<std::size_t>(c)];
      column.name = name.data();
      column.format = 1;
      column.typid = values.type_of(c);
      column.typlen = -1;
      column.atttypmod = -1;
    }
    if (!PQsetResultAttrs(result_.get(), values.size(), columns.data())) throw std::bad_alloc();
  }

  pg::result_handle result_{PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK)};
  int count_ = 0;
};

}  // namespace cascade
