// actors/decode.hpp
//
// Rows of the inbox queries (columns as in sql/queries/read_inbox.sql) to what actors pass on. Runs
// on the Asio thread.
//
// Cost   one pass, one allocation for each text that does not fit a small string.
#pragma once

#include <optional>
#include <vector>

#include "actors/rows.hpp"
#include "pg/rows.hpp"

namespace cascade {

inline constexpr int inbox_columns = 22;

// Appends every row of `r` to the page; a row of kind 's' sets its snapshot.
void decode_inbox(const pg::rows& r, inbox_page& page);

// Microseconds since 1970.
std::optional<instant> instant_or_none(const pg::rows& r, int row, int column);

}  // namespace cascade
