// pg/sqlstate.hpp
//
// SQLSTATE -> what the engine does about it. One table; texts are never looked at.
#pragma once

#include <string_view>

#include "state/errc.hpp"

namespace cascade::pg {

// Empty: the connection broke before the server could say why.
errc classify(std::string_view sqlstate) noexcept;

// The rows or values are to blame, not the statement: the same statement may work with other data.
// Worth bisecting.
bool blames_data(std::string_view sqlstate) noexcept;

}  // namespace cascade::pg
