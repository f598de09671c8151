// executors/outcome_check.hpp
//
// The last look at an outcome before it leaves executors/: what passes can be stored by Postgres.
#pragma once

#include <string>
#include <string_view>

#include "executors/handler.hpp"

namespace cascade {

// Returns `o` with storable texts and retry_in within its bounds. A success whose result cannot be
// stored becomes `failed`, saying why about `what`. Cost: nothing for a success without result,
// else one pass.
outcome storable_outcome(outcome o, std::string_view what = "the handler's result");

// Returns "why: detail", cut at limits::error_bytes_max by dropping the start of `detail`: a log's
// end matters most.
std::string error_with_tail(std::string_view why, std::string_view detail);

// Text for the exception being handled. Call in a catch block only.
std::string current_exception_text();

}  // namespace cascade
