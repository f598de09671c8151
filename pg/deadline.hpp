// pg/deadline.hpp
//
// A point in monotonic time by which a database call must be over. Passed down, so that a call made
// of several steps keeps one budget. The one place of pg/ that reads the clock.
//
// Limits   a budget is clamped to 0..10 years, so nothing overflows; a passed deadline is valid and
//          fails at once.
#pragma once

#include <algorithm>
#include <chrono>

namespace cascade::pg {

class deadline {
public:
  using clock = std::chrono::steady_clock;

  // Ten years from now: for values that are never used, not for calls.
  deadline() noexcept : at_(clock::now() + budget_max) {}

  template <class Rep, class Period>
  static deadline in(std::chrono::duration<Rep, Period> budget) noexcept {
    using namespace std::chrono;
    if (budget <= budget.zero()) return deadline{clock::now()};
    if (duration<double>(budget) >= duration<double>(budget_max)) return deadline{};
    return deadline{clock::now() + ceil<milliseconds>(budget)};
  }

  static clock::time_point now() noexcept { return clock::now(); }

  bool passed() const noexcept { return clock::now() >= at_; }

  // Rounded up: sleeping for it ends after the deadline, not before.
  std::chrono::milliseconds left() const noexcept {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(at_ - clock::now());
    return std::max(rest, std::chrono::milliseconds{0});
  }

  clock::time_point at() const noexcept { return at_; }
  friend bool operator<(deadline a, deadline b) noexcept { return a.at_ < b.at_; }

private:
  static constexpr std::chrono::hours budget_max{24 * 3652};

  explicit deadline(clock::time_point at) noexcept : at_(at) {}

  clock::time_point at_;
};

}  // namespace cascade::pg
