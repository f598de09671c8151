// state/errc.hpp
//
// Expected failures as values. One list for the whole engine; text for people is in errc.cpp.
#pragma once

#include <boost/outcome/result.hpp>
#include <cstdint>
#include <string>
#include <system_error>

namespace cascade {

enum class errc : std::uint8_t {
  database_unavailable = 1,  // no connection, or it broke; retry after a reconnect
  database_conflict,         // serialization failure, deadlock, lock timeout; retry at once
  database_rejected,         // the statement or its data is wrong; never retry as it is
  deadline_exceeded,         // our own deadline for a database call passed; outcome unknown
  fenced,                    // another owner has the lane: forget everything about it
  illegal_transition,        //
  unknown_handler,           //
  invalid_payload,           //
  limit_exceeded,            //
  cancelled,                 //
  not_found,                 //
  shutting_down,             //
};

const std::error_category& error_category() noexcept;
inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}
std::string to_string(errc e);

template <class T>
using result = boost::outcome_v2::basic_result<
    T, std::error_code, boost::outcome_v2::policy::default_policy<T, std::error_code, void>>;

}  // namespace cascade

template <>
struct std::is_error_code_enum<cascade::errc> : std::true_type {};
