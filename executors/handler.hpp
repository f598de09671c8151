// executors/handler.hpp
//
// What a handler is: the public interface for C++ functions that do a task's work. A user's own
// program, or a plugin, adds functions to the registry before the service starts.
//
// Thread   `run_on::thread` functions run on a pool of threads and may block; several run at once,
//          so they must be thread-safe. `run_on::worker` functions run inside a worker actor: they
//          must return within microseconds and never block. An asynchronous function returns at
//          once and calls `done` exactly once, from any thread.
// Errors   an exception that leaves a handler is a retryable failure with its what() as text.
// Limits   result: limits::result_bytes_max; error: cut at limits::error_bytes_max; both are made
//          storable.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "state/ids.hpp"

namespace cascade {

// Takes what an attempt says about itself. Plugins call it, hence virtual.
class beat_sink {
public:
  virtual ~beat_sink() = default;
  virtual void beat(int percent, std::string_view text) noexcept = 0;
};

// The latest of what an attempt said about itself.
struct progress_report {
  int percent = -1;  // 0..100; -1: it never said
  std::string text;  // at most limits::progress_text_bytes_max, storable
};

// One attempt at one task, as handed to its handler. Owned by the runner, valid until the outcome
// is reported.
struct task_run {
  task_id id;
  job_id job;       // none for a loose task
  int item = -1;    // position in a for_each, or -1
  int attempt = 1;  // from 1
  int attempts_max = 1;
  std::chrono::milliseconds timeout{};  // without a beat; 0: no limit
  std::string handler;
  std::string queue;
  std::string step;                  // empty for a loose task
  std::string payload;               // JSON text
  std::string command;               // JSON text of the step's own command, or empty
  std::stop_token stop;              // asked to stop: cancelled, timed out, or the service ends
  std::shared_ptr<beat_sink> beats;  // of the runner; none inside a worker

  // A sign of life, with progress: the timeout starts anew, unless it has fired. Percent is cut at
  // 100 and brings its text along; below 0 it stays as it was, and so does the text when none is
  // given. Any thread; well under 1 us. Nothing once the outcome is reported.
  void beat(int percent, std::string_view text = {}) const noexcept {
    if (beats) beats->beat(percent, text);
  }
};

// How an attempt ended.
struct outcome {
  enum class kind { succeeded, retry, failed, cancelled, snoozed };

  kind how = kind::succeeded;
  std::string result;  // JSON text; empty means null
  std::string error;   // for people; empty on success
  std::optional<std::chrono::milliseconds>
      retry_in;  // the handler's own wish, 0..limits::snooze_max; else the task's policy decides

  static outcome success(std::string json = {}) {
    return {kind::succeeded, std::move(json), {}, {}};
  }
  static outcome retry(std::string why, std::optional<std::chrono::milliseconds> in = {}) {
    return {kind::retry, {}, std::move(why), in};
  }
  static outcome failure(std::string why) { return {kind::failed, {}, std::move(why), {}}; }
  static outcome cancelled(std::string why = "cancelled") {
    return {kind::cancelled, {}, std::move(why), {}};
  }
  // Not yet: the same attempt again after that time, as often as the handler wants. For what is not
  // ready, as opposed to what went wrong.
  static outcome snooze(std::chrono::milliseconds in, std::string why = {}) {
    return {kind::snoozed, {}, std::move(why), in};
  }
};

using handler_function = std::function<outcome(const task_run&)>;
using completion = std::function<void(outcome)>;
using async_handler_function = std::function<void(const task_run&, completion done)>;

enum class run_on { thread, worker };

}  // namespace cascade
