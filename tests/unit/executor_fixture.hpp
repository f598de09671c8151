// tests/unit/executor_fixture.hpp
//
// A runner with its own Asio thread, and futures with a deadline instead of sleeps.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <memory>
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

  pending_outcome start(task_run run) {
    auto promise = std::make_shared<std::promise<outcome>>();
    pending_outcome out;
    out.future = promise->get_future();
    out.attempt = the_runner().start(std::move(run),
                                     [promise](outcome o) { promise->set_value(std::move(o)); });
    return out;
  }
  outcome run(task_run r) { return start(std::move(r)).get(); }

  handler_registry handlers_;
  boost::asio::io_context io_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard_{
      io_.get_executor()};
  std::optional<runner> runner_;
  std::thread thread_;
};

inline void PrintTo(const outcome& o, std::ostream* out) {
  const char* names[] = {"succeeded", "retry", "failed", "cancelled"};
  *out << names[static_cast<int>(o.how)] << " result=" << o.result.substr(0, 300);
  *out << " error=" << o.error.substr(0, 300);
}

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
MATCHER(is_cancelled, "") { return arg.how == outcome::kind::cancelled && arg.result.empty(); }

}  // namespace cascade
