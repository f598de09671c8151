// pg/failure.hpp
//
// What went wrong in a database call, as a value. `code` decides what the engine does; the texts
// are for people and are never matched on. No text holds a password: connection strings are not
// part of it.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/throw_bad_result_access.hpp>
#include <string>

#include "state/errc.hpp"

namespace cascade::pg {

struct failure {
  errc code = errc::database_unavailable;
  std::string sqlstate;  // five characters; empty when the failure is not the server's
  std::string message;   // primary message
  std::string detail;
  std::string hint;
  std::string constraint;  // name of the violated constraint, if one was
  int statement =
      -1;  // position in the batch; its size when the commit failed; -1 when none is to blame
  bool outcome_unknown = false;  // sent, but the answer never came: it may have been committed
};

// One line: message, detail and hint, with the SQLSTATE in brackets.
std::string to_string(const failure& f);

// A value or a failure. Wrong access throws: it is a bug.
template <class T>
using expected = boost::outcome_v2::basic_result<
    T, failure, boost::outcome_v2::policy::throw_bad_result_access<failure, void>>;

}  // namespace cascade::pg
