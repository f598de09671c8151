#include "executors/pulse.hpp"

#include <algorithm>

#include "state/json_check.hpp"

namespace cascade {

void pulse::beat(int percent, std::string_view text) noexcept {
  const std::lock_guard held(lock_);
  if (closed_) return;
  last_sign_ = clock::now();
  beaten_ = true;
  if (!to_) return;
  if (percent >= 0) percent_ = std::min(percent, 100);
  if (percent >= 0 || !text.empty()) {
    text_size_ = std::min(text.size(), text_.size());
    std::copy_n(text.data(), text_size_, text_.data());
  }
  if (announced_) return;
  try {
    wake_();
    announced_ = true;
  } catch (...) {  // no memory: the next beat tries again
  }
}

void pulse::begin() {
  const std::lock_guard held(lock_);
  last_sign_ = clock::now();
}

pulse::clock::time_point pulse::last_sign() const {
  const std::lock_guard held(lock_);
  return last_sign_;
}

bool pulse::beaten() const {
  const std::lock_guard held(lock_);
  return beaten_;
}

void pulse::deliver() {
  const std::lock_guard held(lock_);
  announced_ = false;
  if (closed_) return;
  to_({percent_, storable_text({text_.data(), text_size_}, limits::progress_text_bytes_max)});
}

void pulse::close() {
  heartbeat dropped;  // outside the lock: what it holds may run code of its own when it goes
  const std::lock_guard held(lock_);
  closed_ = true;
  dropped.swap(to_);
}

}  // namespace cascade
