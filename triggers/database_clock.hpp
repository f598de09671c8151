// triggers/database_clock.hpp
//
// What time it is at the database, told from the monotonic clock of this node. So a due time, which
// is the database's, is never met early, and no clock that is set on this node moves it.
//
// A read brings the database's time of a moment before its answer was here. So the difference of the
// two clocks is at least what it shows, by the way the answer took; the quickest answer of the last
// `window` counts. What it showed is reduced by `drift_max` as it ages: two clocks may run apart by
// that much. Hence `now` is behind the database's clock by the quickest answer's way (some 0.2 ms) and
// at most 1 ms for its age, and never ahead, as long as the clocks run apart by less than drift_max.
//
// Steps    when the database's clock is set, or another server takes over: forward, the next read shows
//          it; back, once what was read before is out of the window.
// Thread   one owner; a database_clock is a value to pass on.
// Source   the idea of a filter of the quickest answers is NTP's (RFC 5905, section 10).
// Tests    tests/unit/database_clock_test.cpp
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "state/instant.hpp"

namespace cascade {

// A reading: both clocks at one moment.
struct database_clock {
  using monotonic = std::chrono::steady_clock::time_point;

  static constexpr std::int64_t drift_max_ppm = 50;

  monotonic here;
  instant there;

  // Never later than the time at the database.
  instant now(monotonic at) const {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(at - here);
    return there + since - abs(since) * drift_max_ppm / 1'000'000;
  }
  // When `now` will have reached `then`: for arming a timer, which asks `now` again.
  monotonic when(instant then) const {
    const auto left = then - there;
    return here + left + abs(left) * drift_max_ppm / 1'000'000 + std::chrono::microseconds(1);
  }
};

class clock_estimate {
public:
  using monotonic = database_clock::monotonic;

  static constexpr std::chrono::seconds window{20};

  void read(instant there, monotonic here);

  // Requires: something was read.
  const database_clock& clock() const { return *best_; }
  bool known() const { return best_.has_value(); }

  // How fast the database's clock runs away from ours, in parts per million, over the last ten minutes
  // or less; 0 while less than a minute is known.
  double drift_ppm() const;
  // How far behind the best reading the last one was: the way of its answer.
  std::chrono::microseconds spread() const { return spread_; }
  std::uint64_t steps() const { return steps_; }  // by more than a second

private:
  void remember(monotonic here);

  std::optional<database_clock> best_;
  // The best reading of the half window under way, and of the one before.
  std::array<std::optional<database_clock>, 2> halves_;
  monotonic half_began_;
  std::optional<monotonic> began_;
  std::optional<database_clock> drift_from_, drift_next_;
  std::chrono::microseconds spread_{};
  std::uint64_t steps_ = 0;
};

}  // namespace cascade
