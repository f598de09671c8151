// triggers/rate_meter.hpp
//
// How often something may start: a token bucket in eight bytes. Instead of tokens it keeps the time at
// which the bucket will be full again, so nothing needs to be refilled.
//
// In any time t no more than burst + rate * t starts are allowed.
//
// Source   the generic cell rate algorithm (ITU-T I.371), in its virtual scheduling form.
// Tests    tests/property/rate_set_test.cpp
#pragma once

#include <algorithm>
#include <chrono>

namespace cascade {

struct rate_limit {
  double per_second = 0;  // 0: none
  int burst = 1;          // starts at once after a pause

  bool limited() const noexcept { return per_second > 0; }
  std::chrono::nanoseconds gap() const noexcept {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / per_second));
  }
  friend bool operator==(const rate_limit&, const rate_limit&) = default;
};

class rate_meter {
public:
  using time_point = std::chrono::steady_clock::time_point;

  // Empty at `since`: what was started before is not known, and might have used it up.
  rate_meter(const rate_limit& limit, time_point since) noexcept
      : full_at_(since + limit.gap() * limit.burst) {}

  // When the next start is allowed; not after `now`: at once.
  time_point next(const rate_limit& limit) const noexcept {
    return full_at_ - limit.gap() * (limit.burst - 1);
  }
  void take(const rate_limit& limit, time_point now) noexcept {
    full_at_ = std::max(full_at_, now) + limit.gap();
  }
  bool full(time_point now) const noexcept { return full_at_ <= now; }

private:
  time_point full_at_;
};

}  // namespace cascade
