// triggers/fair_share.hpp
//
// Turns that follow weights: start-time fair queueing (Goyal, Vin and Cheng 1996), which is stride
// scheduling (Waldspurger and Weihl 1995) for those who come and go.
//
// Rule     a turn costs 1 / weight of virtual time. The next turn is of who has the least start,
//          and among equals of who was served longest ago: with equal weights they take turns.
// Memory   who was away starts at the time of the others: nothing is saved up, and at most one turn
//          is owed.
// Units    virtual time in 1 / 2^24 of a turn of weight 1; enough for 10^12 turns.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cascade {

using fair_time = std::uint64_t;

inline constexpr double weight_min = 0.001;
inline constexpr double weight_max = 1'000;
inline constexpr fair_time fair_turn = fair_time{1} << 24;  // of weight 1

// What a turn costs.
inline fair_time fair_stride(double weight) {
  const double within = std::clamp(weight, weight_min, weight_max);
  return static_cast<fair_time>(std::llround(static_cast<double>(fair_turn) / within));
}

struct fair_share {
  fair_time start = 0;  // of the next turn, if no one else's time is later
  std::uint64_t served = 0;

  // How many turns, at most `count`, others take before the turn `before` of `mine`, which counts
  // from 0. Starts are those of now.
  std::uint64_t turns_before(fair_time stride, std::uint64_t count, const fair_share& mine,
                             fair_time my_stride, std::uint64_t before) const {
    const fair_time at = mine.start + before * my_stride;
    if (start > at) return 0;
    const fair_time ahead = at - start;
    std::uint64_t turns = ahead / stride;
    if (ahead % stride != 0 || served < mine.served) ++turns;
    return std::min(turns, count);
  }
};

}  // namespace cascade
