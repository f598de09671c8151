// executors/runner.hpp
//
// The front door of executors/: worker actors hand a task_run to it and get exactly one outcome
// back.
//
// Thread   every member may be called from any thread, except that shutdown must not be called on
//          the io_context's. `done` runs on the thread that ends the attempt: the io_context's, a
//          pool thread, any thread of an async handler, or the caller of start() itself, even
//          before start() returns. It must not throw or block.
// Cost     run_inline adds well under 1 us; thread functions one hand-over to a pool thread;
//          commands one process.
// Stop     timeout, cancel() and shutdown() request stop: functions see it in task_run::stop, a
//          command gets SIGTERM. After the grace (options.stop_grace; a command's kill_after) the
//          attempt is reported anyway: a command is killed, a function goes on in its thread, which
//          stays taken and counted, and its late outcome is dropped. After a stop only a function
//          may still report success; all else is `retry` "timed out after ..." or `cancelled`.
// Beats    reach the caller's heartbeat at most once per options.beat_every, the latest winning; the
//          last of an interval comes at its end. On the io_context's thread, always before `done`;
//          what is not out by then is dropped. The heartbeat must not throw, block, beat or end an
//          attempt. Each beat restarts the timeout until it has fired.
// Outcome  checked before it leaves: a result that Postgres could not store becomes `failed`, error
//          texts are made storable. A retry would not help: the work has been done.
// Limits   thread functions beyond threads_max wait in line, their timeout starts when they do. The
//          number of simultaneous attempts is limited by the caller (credits).
// Life     the io_context and the frozen registry outlive the runner; the io_context also outlives
//          every copy of an async handler's completion. done must not destroy the runner.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "executors/handler.hpp"
#include "executors/registry.hpp"

namespace cascade {

using heartbeat = std::function<void(progress_report)>;

// An attempt that was started. Dropping the pointer does not stop it.
class running {
public:
  virtual ~running() = default;
  virtual void
  cancel() = 0;  // at most once has an effect; the outcome still arrives through `done`
};

struct runner_options {
  std::size_t threads_max = 64;                 // for thread functions; threads start on demand
  std::string cwd = "/";                        // of commands that name none
  std::chrono::milliseconds stop_grace{5'000};  // of functions
  std::chrono::milliseconds beat_every{1'000};  // between two reports of an attempt, at least
  // Gets what a command wrote to stderr (its last stderr_bytes_max; any bytes), on the io_context's
  // thread.
  std::function<void(const task_run&, std::string_view)> command_log;
};

struct runner_counters {
  std::uint64_t started = 0;   // by start()
  std::uint64_t reported = 0;  // of these
  std::uint64_t late = 0;      // outcomes dropped because the attempt had been reported already
  std::uint64_t timeouts = 0;
  std::uint64_t unusable_results = 0;
  std::size_t threads = 0;        // that exist
  std::size_t threads_busy = 0;   // run a function
  std::size_t threads_stuck = 0;  // of these, run one that has been given up
  std::size_t waiting = 0;        // functions waiting for a thread
  std::size_t processes = 0;      // commands that have not been reaped
};

class runner {
public:
  runner(const handler_registry& handlers, boost::asio::io_context& io,
         runner_options options = {});
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;
  ~runner();  // shutdown with no time left

  // Where a task with this handler and command (task_run::command) runs. A command of its own goes
  // first.
  handler_kind kind_of(std::string_view handler, std::string_view command = {}) const noexcept;

  // Runs a `worker` handler on the calling thread. Never throws; anything else than a worker
  // handler is `failed`. Beats go nowhere.
  outcome run_inline(const task_run& run) const;

  // Starts an attempt of any kind; done is called exactly once. Replaces run.stop and run.beats by
  // its own.
  std::shared_ptr<running> start(task_run run, completion done, heartbeat beat = {});

  runner_counters counters() const;

  // Stops everything and starts nothing more; waits for what runs until the deadline, then kills
  // and reports the rest. Returns whether all threads have ended; those that have not run on in
  // handlers, so leave the process by std::_Exit.
  bool shutdown(std::chrono::steady_clock::time_point deadline);

private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace cascade
