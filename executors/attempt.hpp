// executors/attempt.hpp
//
// What all kinds of attempts share: one report, a timeout, a stop with a grace. Private to
// executors/.
//
//   begin -> working -> report                      the normal way
//               | timeout or cancel: token, on_stop
//               v
//            stopping -> report                     it obeyed
//               | the grace is over: on_grace_over
//               v
//            report                                 given up; what comes later is counted as late
//
// Thread   report, cancel, give_up: any. stop and the hooks: on the attempt's strand of the
//          io_context.
// Life     kept alive by its own pending handlers and by the pool thread or completion that works
//          for it.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "executors/pulse.hpp"
#include "executors/runner.hpp"

namespace cascade {

class attempt;

// What attempts share with their runner and may outlive it.
struct attempt_host {
  attempt_host(boost::asio::io_context& context, runner_options o)
      : io(context), options(std::move(o)) {}

  boost::asio::io_context& io;
  const runner_options options;
  std::vector<std::string> base_env;  // of commands

  std::atomic<std::uint64_t> started{0}, reported{0}, late{0}, timeouts{0}, unusable_results{0};
  std::atomic<std::int64_t> stuck{0}, processes{0};

  std::mutex lock;  // guards the rest
  std::condition_variable quiet;
  std::unordered_map<attempt*, std::weak_ptr<attempt>> live;  // not reported
  bool closed = false;
};

class attempt : public running, public std::enable_shared_from_this<attempt> {
public:
  attempt(std::shared_ptr<attempt_host> host, task_run run, completion done, heartbeat beat);
  ~attempt() override;

  virtual void begin() = 0;
  void cancel() final;
  void give_up();  // reports `cancelled` now

protected:
  enum class stop_reason { none, timeout, cancelled };

  template <class T>
  std::shared_ptr<T> self() {
    return std::static_pointer_cast<T>(shared_from_this());
  }

  // Calls done with a storable outcome, once; later outcomes are counted and dropped.
  void report(outcome o, std::string_view what = "the handler's result");
  bool reported() const noexcept { return reported_.load(); }
  stop_reason stopping() const noexcept { return reason_.load(); }
  // How an attempt ends that was stopped; `detail` is what it said itself.
  outcome stopped_outcome(std::string_view detail = {}) const;

  void start_timeout();                       // any thread; no-op without a timeout; once
  void arm(std::chrono::milliseconds grace);  // strand: on_grace_over after that time
  virtual void look_for_beats() {}            // strand: the last moment before a timeout
  virtual void on_stop() = 0;                 // strand: make it end, arm the grace
  virtual void on_grace_over() = 0;           // strand
  virtual void on_give_up() = 0;              // any thread: the service ends now

  attempt_host& host() const noexcept { return *host_; }
  auto& strand() noexcept { return strand_; }

  task_run run_;

private:
  void stop(stop_reason reason);
  void watch_timeout();
  void pass_beats();  // strand: now, or when the interval is over

  std::shared_ptr<attempt_host> host_;
  completion done_;
  std::stop_source source_;
  std::atomic<stop_reason> reason_{stop_reason::none};
  std::atomic<bool> reported_{false};
  std::atomic<bool> timer_used_{false};
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<pulse> pulse_;
  pulse::clock::time_point beats_due_{};                 // strand: the next report not before
  std::optional<boost::asio::steady_timer> beat_timer_;  // strand
};

}  // namespace cascade
