// state/assert.hpp
//
// CASCADE_ASSERT(condition): a broken invariant. On in release. Throws invariant_violation, which
// ends the actor that broke it (its supervisor restarts it); outside an actor it ends the process.
#pragma once

#include <stdexcept>
#include <string>

namespace cascade {

struct invariant_violation : std::logic_error {
  using std::logic_error::logic_error;
};

[[noreturn]] inline void invariant_failed(const char* text, const char* file, int line) {
  throw invariant_violation(std::string("invariant violated: ") + text + " at " + file + ":" +
                            std::to_string(line));
}

}  // namespace cascade

#define CASCADE_ASSERT(condition)         \
  (static_cast<bool>(condition) ? void(0) \
                                : ::cascade::invariant_failed(#condition, __FILE__, __LINE__))
