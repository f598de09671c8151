// pg/rows.hpp
//
// The result of one statement: a move-only view over libpq's own memory, nothing is copied before
// it is asked for.
//
// Format   binary from sessions and from connection::exec; text from exec_text and exec_as_text,
//          where only text(), is_null() and the column accessors mean anything.
// Errors   a value of another width than asked for breaks an invariant (the query and its reader
//          disagree), and so does a null where a value is asked for: test is_null() first where
//          null is possible.
// Life     views returned by text() and jsonb() live as long as the rows.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/handles.hpp"

namespace cascade::pg {

class rows {
public:
  rows() noexcept = default;
  explicit rows(result_handle r) noexcept;

  int size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  int columns() const noexcept { return columns_; }
  std::string_view column_name(int column) const noexcept;
  oid column_type(int column) const noexcept;
  // Rows inserted, updated, deleted, selected or fetched; 0 for other commands.
  std::int64_t affected() const noexcept;
  // Memory held, in bytes.
  std::size_t bytes() const noexcept;

  bool is_null(int row, int column) const noexcept;
  bool boolean(int row, int column) const;
  std::int16_t int16(int row, int column) const;
  std::int32_t int32(int row, int column) const;  // int2 and int4
  std::int64_t int64(int row, int column) const;  // int2, int4 and int8
  double float8(int row, int column) const;
  std::string_view text(int row, int column) const;   // text, enums, names; any type in text format
  std::string_view jsonb(int row, int column) const;  // json and jsonb
  // Since the Unix epoch; infinity is the largest or smallest value.
  std::chrono::microseconds timestamptz(int row, int column) const;
  std::vector<std::int64_t> int64s(
      int row, int column) const;  // int2[], int4[], int8[]; nulls break an invariant
  std::vector<std::optional<std::string>> texts(int row, int column) const;

private:
  std::string_view bytes_of(int row, int column) const;

  result_handle result_;
  int size_ = 0;
  int columns_ = 0;
};

}  // namespace cascade::pg
