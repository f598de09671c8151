#include "triggers/database_clock.hpp"

#include <utility>

namespace cascade {
namespace {

constexpr std::chrono::seconds step_min{1};
constexpr std::chrono::minutes drift_span{5};

// The one that says that it is later at the database.
const database_clock& later(const database_clock& a, const std::optional<database_clock>& b,
                            database_clock::monotonic now) {
  return b && b->now(now) > a.now(now) ? *b : a;
}

}  // namespace

void clock_estimate::read(instant there, monotonic here) {
  const database_clock reading{here, there};
  if (here - half_began_ >= window / 2) {
    // After a window without a read, what is older than it counts no longer.
    halves_[1] = here - half_began_ < window ? halves_[0] : std::nullopt;
    halves_[0].reset();
    half_began_ = here;
  }
  halves_[0] = later(reading, halves_[0], here);
  const database_clock best = later(*halves_[0], halves_[1], here);
  spread_ = best.now(here) - there;
  if (best_ && abs(best.now(here) - best_->now(here)) > step_min) {
    ++steps_;
    drift_from_.reset();
    began_.reset();
  }
  best_ = best;
  remember(here);
}

void clock_estimate::remember(monotonic here) {
  // The first answers may all have been slow.
  if (!began_) began_ = here;
  if (here - *began_ < window) return;
  if (!drift_from_) drift_from_ = drift_next_ = best_;
  if (here - drift_next_->here >= drift_span) drift_from_ = std::exchange(drift_next_, best_);
}

double clock_estimate::drift_ppm() const {
  if (!drift_from_) return 0;
  const auto here = std::chrono::duration<double>(best_->here - drift_from_->here).count();
  if (here < 60) return 0;
  const auto there = std::chrono::duration<double>(best_->there - drift_from_->there).count();
  return (there - here) / here * 1e6;
}

}  // namespace cascade
