// tests/unit/executor_fixture.hpp
//
// A runner with its own Asio thread, and futures with a deadline instead of sleeps.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "executors/runner.hpp"

namespace cascade {

using namespace std::chrono_literals;

inline constexpr auto patience = 30s;  // only a broken test waits that long

// An outcome that will come.
struct pending_outcome {
  std::shared_ptr<running> attempt;
  std::future<outcome> future;

  outcome get() {
    if (future.wait_for(patience) != std::future_status::ready) {
      ADD_FAILURE() << "no outcome in time";
      return outcome::failure("no outcome in time");
    }
    return future.get();
  }
};

// What a heartbeat was told.
class report_log {
public:
  heartbeat sink() {
    return [this](progress_report report) {
      const std::lock_guard held(lock_);
      reports_.push_back(std::move(report));
      changed_.notify_all();
    };
  }

  // Waits for the n-th report, from 1.
  progress_report wait_for(std::size_t n) {
    std::unique_lock held(lock_);
    if (!changed_.wait_for(held, patience, [&] { return reports_.size() >= n; })) {
      ADD_FAILURE() << "no report in time";
      return {};
    }
    return reports_[n - 1];
  }
  void wait_for_text(const std::string& text) {
    std::unique_lock held(lock_);
    const bool came = changed_.wait_for(
        held, patience, [&] { return !reports_.empty() && reports_.back().text == text; });
    EXPECT_TRUE(came) << "no report in time";
  }
  std::size_t size() {
    const std::lock_guard held(lock_);
    return reports_.size();
  }

private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::vector<progress_report> reports_;
};

class executor_fixture : public testing::Test {
protected:
  void TearDown() override {
    if (runner_) runner_.reset();
    guard_.reset();
    if (thread_.joinable()) thread_.join();
  }

  runner& start_runner(runner_options options = {}) {
    handlers_.freeze();
    runner_.emplace(handlers_, io_, std::move(options));
    thread_ = std::thread([this] { io_.run(); });
    return *runner_;
  }
  runner& the_runner() { return runner_ ? *runner_ : start_runner(); }

  static task_run task(std::string handler, std::string payload = "null") {
    task_run run;
    run.id = task_id{42};
    run.handler = std::move(handler);
    run.payload = std::move(payload);
    return run;
  }
  static task_run command(std::string json, std::string payload = "null") {
    task_run run = task(std::string(command_handler_name), std::move(payload));
    run.command = std::move(json);
    return run;
  }

  pending_outcome start(task_run run, heartbeat beat = {}) {
    auto promise = std::make_shared<std::promise<outcome>>();
    pending_outcome out;
    out.future = promise->get_future();
    out.attempt = the_runner().start(
        std::move(run), [promise](outcome o) { promise->set_value(std::move(o)); },
        std::move(beat));
    return out;
  }
  outcome run(task_run r, heartbeat beat = {}) {
    return start(std::move(r), std::move(beat)).get();
  }

  handler_registry handlers_;
  boost::asio::io_context io_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard_{
      io_.get_executor()};
  std::optional<runner> runner_;
  std::thread thread_;
};

inline void PrintTo(const progress_report& r, std::ostream* out) {
  *out << r.percent << " \"" << r.text << '"';
}
inline void PrintTo(const outcome& o, std::ostream* out) {
  const char* names[] = {"succeeded", "retry", "failed", "cancelled", "snoozed"};
  *out << names[static_cast<int>(o.how)] << " result=" << o.result.substr(0, 300);
  *out << " error=" << o.error.substr(0, 300);
}

MATCHER_P2(reports, percent, text, "") { return arg.percent == percent && arg.text == text; }
MATCHER_P(succeeds_with, json, "") {
  return arg.how == outcome::kind::succeeded && arg.result == json && arg.error.empty();
}
MATCHER_P(is_retried, text, "") {
  return arg.how == outcome::kind::retry && arg.error.find(text) != std::string::npos &&
         arg.result.empty();
}
MATCHER_P(is_failed, text, "") {
  return arg.how == outcome::kind::failed && arg.error.find(text) != std::string::npos &&
         arg.result.empty();
}
MATCHER_P2(is_snoozed, in, text, "") {
  return arg.how == outcome::kind::snoozed && arg.retry_in == std::chrono::milliseconds(in) &&
         arg.error == text && arg.result.empty();
}
MATCHER(is_cancelled, "") { return arg.how == outcome::kind::cancelled && arg.result.empty(); }

}  // namespace cascade
