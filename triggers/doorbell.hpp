// triggers/doorbell.hpp
//
// Decides when a node reads its inbox, and whether producers must ring to wake it. Pure: the inbox
// actor feeds events and carries out the actions; nothing here knows a clock, a lock or a
// connection. docs/adr/0003-doorbell.md tells the protocol.
//
// asleep    the doorbell locks are held: inserts NOTIFY. Read on a bell and, as a net, once per
//           poll_asleep.
// awake     the locks are free: inserts send nothing. Read every poll_awake.
// drowsy    awake, and trying to fall asleep: the locks are asked for; once got, one more read is
//           needed before sleeping, because a row may have been committed between the last read and
//           the lock.
//
// At low rates the node stays asleep and answers each bell (lowest latency). When bells come faster
// than awake_bells in rate_window it wakes; when awake reads find nothing for idle_reads in a row
// it tries to sleep again. An open transaction that saw the node awake makes the locks fail: it
// stays awake and tries again after a growing number of reads.
#pragma once

#include <chrono>
#include <cstdint>

namespace cascade {

struct doorbell_settings {
  std::chrono::microseconds poll_awake{1'000};
  std::chrono::milliseconds poll_asleep{5'000};
  std::chrono::milliseconds rate_window{50};
  int awake_bells =
      25;  // bells in one rate_window that wake the node; 0: never wakes, always asleep
  int idle_reads = 30;  // empty awake reads before it tries to sleep
  int lock_retry_reads_max = 1'024;
  bool always_awake = false;  // high_throughput profile
};

class doorbell {
public:
  enum class mode : std::uint8_t { awake, drowsy, last_read, asleep };

  // What the inbox actor must do next. At most one of read, lock, unlock.
  enum class action : std::uint8_t {
    none,    // wait for an event, or for the timer in wait()
    read,    // read the inbox now; report with on_read
    lock,    // try to take all doorbell locks; report with on_locked
    unlock,  // give the doorbell locks back; report with on_unlocked
  };

  explicit doorbell(doorbell_settings settings) noexcept : settings_(settings) {}

  // The next thing to do; none while an earlier action is under way.
  action next() noexcept;
  // How long to wait for an event when next() said none. Ends with on_timer().
  std::chrono::microseconds wait() const noexcept;

  // `now` is any monotonic time of the caller's.
  void on_bell(std::chrono::microseconds now) noexcept;
  // A bell whose read was begun where it was heard (on_read_begun may come first or later).
  void on_answered_bell(std::chrono::microseconds now) noexcept;
  // A read is under way that next() did not ask for. Requires: no action is under way.
  void on_read_begun() noexcept;
  void on_timer() noexcept;
  // `rows`: what the read brought; `full`: it stopped at its limit, more is there.
  void on_read(std::size_t rows, bool full) noexcept;
  void on_locked(bool got) noexcept;
  void on_unlocked() noexcept;
  // The connection that held the locks is gone, and with it the locks: awake, a read is due.
  void on_reconnected() noexcept;
  // Back-pressure: no reads while true, but bells are remembered.
  void set_blocked(bool blocked) noexcept { blocked_ = blocked; }

  mode state() const noexcept { return mode_; }
  bool busy() const noexcept { return busy_; }
  bool blocked() const noexcept { return blocked_; }

private:
  doorbell_settings settings_;
  mode mode_ = mode::awake;
  bool busy_ = false;  // an action is under way
  bool due_ = true;    // a read is due
  bool want_awake_ = false;
  bool blocked_ = false;
  int idle_reads_ = 0;
  int lock_backoff_ = 1;  // reads until the next try for the locks
  int window_bells_ = 0;
  std::chrono::microseconds window_start_{};
};

}  // namespace cascade
