// executors/thread_pool.hpp
//
// Threads for functions that block. One is started when work comes and none is idle, up to
// threads_max; an idle thread sleeps and stays.
//
// Thread   any, except its own for shutdown.
// Limits   jobs beyond threads_max wait in line, unbounded: the caller has credits.
// Errors   submit throws std::system_error when the first thread cannot be started.
// Life     a job that is still in run() when shutdown gives up is abandoned: never finished, never
//          destroyed, so that its thread touches nothing of ours that may be gone.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

namespace cascade {

class thread_pool {
public:
  struct sizes {
    std::size_t threads = 0, busy = 0, waiting = 0;
  };

  // None of these may throw.
  class job {
  public:
    virtual ~job() = default;
    virtual bool prepare() = 0;  // false: drop it
    virtual void run() = 0;      // may block
    virtual void finish() = 0;   // after run; after prepare alone when the pool stops
  };

  explicit thread_pool(std::size_t threads_max);
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool();  // shutdown with no time left

  void submit(std::shared_ptr<job> work);
  sizes size() const;

  // Drops what waits in line and lets the threads end. Returns false, and abandons those still in
  // run(), when the deadline passes first.
  bool shutdown(std::chrono::steady_clock::time_point deadline);

private:
  struct core;

  void start_thread();

  std::shared_ptr<core> core_;
  std::size_t threads_max_;
};

}  // namespace cascade
