// pg/listener.hpp
//
// One connection that listens and does nothing else; it comes back by itself.
//
// Up        on_up: all channels are listened to, verified. Notifications of the time before are
//           lost: look at the rows.
// Down      on_down: once when it was up, and once when the first attempt fails; then it tries on
//           in silence.
// Proof     every `proof_every` a round trip with `proof_deadline`: a connection that is open but
//           dead is found out.
// Backoff   doubles from backoff_min to backoff_max, each wait drawn from its upper half; the seed
//           is injected.
// Thread    start, stop and the readers: any thread. Callbacks: the io_context, one at a time; none
//           after stop's own turn there. Must be stopped before the io_context goes.
// Direct    LISTEN needs a session of its own: no pooler in transaction mode in between.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "pg/failure.hpp"
#include "pg/session.hpp"

namespace cascade::pg {

struct listener_options {
  std::string conninfo;
  std::string name = "cascade listener";  // application_name
  std::string role;
  std::vector<std::string> channels;
  std::uint64_t seed = 1;
  std::chrono::milliseconds proof_every{2'000};
  std::chrono::milliseconds proof_deadline{2'000};
  std::chrono::milliseconds connect_deadline{10'000};
  std::chrono::milliseconds backoff_min{100};
  std::chrono::milliseconds backoff_max{5'000};
};

struct listener_callbacks {
  std::function<void(std::string_view channel, std::string_view payload)> on_notify;
  std::function<void()> on_up;
  std::function<void(const failure&)> on_down;
};

class listener : public std::enable_shared_from_this<listener> {
public:
  static std::shared_ptr<listener> make(boost::asio::io_context& io, listener_options options,
                                        listener_callbacks callbacks);

  void start();
  void stop();  // idempotent; afterwards it cannot be started again

  bool up() const noexcept { return up_.load(std::memory_order_relaxed); }
  // Since the server last showed that it is there; since the listener was made, when it never has.
  std::chrono::milliseconds since_proof() const noexcept;
  std::uint64_t attempts() const noexcept { return attempts_.load(std::memory_order_relaxed); }
  std::uint64_t notifications() const noexcept {
    return notifications_.load(std::memory_order_relaxed);
  }
  std::uint64_t proofs() const noexcept { return proofs_.load(std::memory_order_relaxed); }
  int backend_pid() const noexcept { return pid_.load(std::memory_order_relaxed); }

private:
  listener(boost::asio::io_context& io, listener_options options, listener_callbacks callbacks);

  void connect();
  void listen();
  void verified(const rows& channels);
  void prove_later();
  void prove();
  void lost(failure why);
  std::chrono::milliseconds next_backoff();
  void note_proof() noexcept;

  boost::asio::io_context& io_;
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  boost::asio::steady_timer timer_;
  const listener_options options_;
  const listener_callbacks callbacks_;
  std::mt19937_64 random_;
  std::shared_ptr<session> session_;
  std::uint64_t generation_ = 0;  // of the session: callbacks of an older one are dropped
  int failures_ = 0;              // in a row
  bool stopped_ = false;
  bool told_down_ = false;

  std::atomic<bool> up_{false};
  std::atomic<deadline::clock::rep> proof_{0};
  std::atomic<std::uint64_t> attempts_{0};
  std::atomic<std::uint64_t> notifications_{0};
  std::atomic<std::uint64_t> proofs_{0};
  std::atomic<int> pid_{0};
};

}  // namespace cascade::pg
