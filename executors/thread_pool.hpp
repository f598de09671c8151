// executors/thread_pool.hpp
//
// Threads for functions that block. One is started when work comes and none is idle, up to threads_max; an idle thread
// sleeps and stays.
//
// Thread   any, except its own for shutdown.
// Limits   work beyond threads_max waits in line, unbounded: the caller has credits.
// Errors   submit throws std::system_error when the first thread cannot be started; work must not throw.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace cascade {

class thread_pool {
 public:
  struct sizes {
    std::size_t threads = 0, busy = 0, waiting = 0;
  };

  explicit thread_pool(std::size_t threads_max);
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool();  // shutdown with no time left

  void submit(std::function<void()> work);
  sizes size() const;

  // Drops what waits in line and lets the threads end. Returns false, and leaves those still busy to themselves, when
  // the deadline passes first.
  bool shutdown(std::chrono::steady_clock::time_point deadline);

 private:
  struct core;

  void start_thread();

  std::shared_ptr<core> core_;
  std::size_t threads_max_;
};

}  // namespace cascade
