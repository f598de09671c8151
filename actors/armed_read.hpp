// actors/armed_read.hpp
//
// A read that a sleeping inbox has made ready, so that the thread that hears the bell can send it at
// once: two hand-overs between threads less on the way from INSERT to handler.
//
// Thread   arm and disarm: the inbox. fire: the listener's. A read goes to whoever takes it first.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace cascade {

class armed_read {
public:
  // What to send: all that is new, or new tasks alone. Replaces what was armed.
  using sender = std::function<void(bool all)>;
  void arm(sender send) {
    const std::lock_guard lock(mutex_);
    send_ = std::move(send);
  }
  // False when there was nothing to take back: it was fired, or never armed.
  bool disarm() {
    const std::lock_guard lock(mutex_);
    return std::exchange(send_, nullptr) != nullptr;
  }
  // Sends what is armed; false when nothing is.
  bool fire(bool all) {
    sender send;
    {
      const std::lock_guard lock(mutex_);
      send = std::exchange(send_, nullptr);
    }
    if (send) send(all);
    return send != nullptr;
  }

private:
  std::mutex mutex_;
  sender send_;
};

}  // namespace cascade
