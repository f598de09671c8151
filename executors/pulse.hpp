// executors/pulse.hpp
//
// What one attempt has said about itself while it runs: when it last gave a sign of life, and its
// latest progress. Private to executors/.
//
// Thread   any. The heartbeat is called under the lock, so that none comes after close() returned;
//          hence it must neither beat nor end the attempt itself.
// Cost     a beat is one clock reading and one uncontended lock; it allocates only when it is the
//          first since the last delivery.
// Life     may outlive its attempt, and the io_context: a handler may keep a copy of its task_run.
//          Closed, it does nothing and keeps nothing.
// Tests    tests/unit/executor_beat_test.cpp
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <mutex>

#include "executors/runner.hpp"
#include "state/limits.hpp"

namespace cascade {

class pulse final : public beat_sink {
public:
  using clock = std::chrono::steady_clock;

  // `wake` is called when there is something to deliver, once until it was delivered.
  pulse(heartbeat to, std::function<void()> wake) : to_(std::move(to)), wake_(std::move(wake)) {}

  void beat(int percent, std::string_view text) noexcept override;

  void begin();                         // the time to the first sign of life counts from here
  clock::time_point last_sign() const;  // of begin() or the last beat
  bool beaten() const;

  void deliver();  // hands the latest report to the heartbeat
  void close();

private:
  mutable std::mutex lock_;
  heartbeat to_;
  std::function<void()> wake_;
  clock::time_point last_sign_{};
  int percent_ = -1;
  std::size_t text_size_ = 0;
  // As it came. Cleaning never shortens, so three bytes more than the limit complete its last
  // character.
  std::array<char, limits::progress_text_bytes_max + 3> text_;
  bool beaten_ = false;
  bool announced_ = false;
  bool closed_ = false;
};

}  // namespace cascade
