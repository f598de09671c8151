#include "triggers/doorbell.hpp"

#include <algorithm>

namespace cascade {

doorbell::action doorbell::next() noexcept {
  if (busy_) return action::none;
  if (mode_ == mode::asleep && want_awake_) {
    busy_ = true;
    return action::unlock;
  }
  if (mode_ == mode::drowsy) {
    busy_ = true;
    return action::lock;
  }
  if (due_ && !blocked_) {
    busy_ = true;
    due_ = false;
    return action::read;
  }
  return action::none;
}

std::chrono::microseconds doorbell::wait() const noexcept {
  return mode_ == mode::asleep ? std::chrono::microseconds(settings_.poll_asleep)
                               : settings_.poll_awake;
}

void doorbell::on_bell(std::chrono::microseconds now) noexcept {
  due_ = true;
  on_answered_bell(now);
}

void doorbell::on_read_begun() noexcept { busy_ = true; }

void doorbell::on_answered_bell(std::chrono::microseconds now) noexcept {
  if (settings_.awake_bells == 0 || mode_ != mode::asleep) return;
  if (now - window_start_ > settings_.rate_window) {
    window_start_ = now;
    window_bells_ = 0;
  }
  if (++window_bells_ >= settings_.awake_bells) want_awake_ = true;
}

void doorbell::on_timer() noexcept { due_ = true; }

void doorbell::on_read(std::size_t rows, bool full) noexcept {
  busy_ = false;
  if (full) due_ = true;
  if (mode_ == mode::last_read) {
    mode_ = mode::asleep;
    window_bells_ = 0;
    return;
  }
  if (mode_ != mode::awake) return;
  idle_reads_ = rows == 0 ? idle_reads_ + 1 : 0;
  const int patience =
      want_awake_ ? settings_.idle_reads : 1;  // a node that was never busy sleeps at once
  if (!settings_.always_awake && idle_reads_ >= std::max(patience, lock_backoff_))
    mode_ = mode::drowsy;
}

void doorbell::on_locked(bool got) noexcept {
  busy_ = false;
  idle_reads_ = 0;
  if (got) {
    mode_ = mode::last_read;
    due_ = true;
    want_awake_ = false;
    lock_backoff_ = 1;
  } else {
    mode_ = mode::awake;
    lock_backoff_ = std::min(lock_backoff_ * 2, settings_.lock_retry_reads_max);
  }
}

void doorbell::on_unlocked() noexcept {
  busy_ = false;
  mode_ = mode::awake;
  due_ = true;
  idle_reads_ = 0;
}

void doorbell::on_reconnected() noexcept {
  busy_ = false;
  mode_ = mode::awake;
  due_ = true;
  idle_reads_ = 0;
}

}  // namespace cascade
