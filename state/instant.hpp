// state/instant.hpp
//
// A time of the database: microseconds since 1970, UTC. What is stored is of this kind; what a node
// measures itself is monotonic (triggers/database_clock.hpp leads from one to the other).
#pragma once

#include <chrono>
#include <cstdint>

namespace cascade {

using instant = std::chrono::sys_time<std::chrono::microseconds>;

constexpr instant instant_of(std::int64_t us_since_1970) {
  return instant(std::chrono::microseconds(us_since_1970));
}
constexpr std::int64_t us_of(instant t) { return t.time_since_epoch().count(); }

}  // namespace cascade
