// state/expected.hpp
//
// A value or a described failure, for code whose errors carry more than an error code (a text, a
// position). Asking for the value of a failure, or the reverse, terminates.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>

namespace cascade {

template <class T, class E>
using expected = boost::outcome_v2::basic_result<T, E, boost::outcome_v2::policy::terminate>;

}  // namespace cascade
