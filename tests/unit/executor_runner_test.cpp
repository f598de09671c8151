#include <atomic>
#include <latch>
#include <mutex>
#include <set>
#include <stdexcept>

#include "executor_fixture.hpp"
#include "executors/builtin.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

// A door that functions wait at until the test opens it.
struct door {
  std::promise<void> opener;
  std::shared_future<void> opened = opener.get_future().share();
  void open() { opener.set_value(); }
};

class executor_runner : public executor_fixture {};

TEST_F(executor_runner, knows_where_each_handler_runs) {
  add_builtin_handlers(handlers_, io_);
  handlers_.add("slow", [](const task_run&) { return outcome::success(); });
  auto& r = the_runner();
  EXPECT_EQ(r.kind_of("noop"), handler_kind::worker);
  EXPECT_EQ(r.kind_of("slow"), handler_kind::thread);
  EXPECT_EQ(r.kind_of("sleep"), handler_kind::async);
  EXPECT_EQ(r.kind_of("nobody"), handler_kind::unknown);
  EXPECT_EQ(r.kind_of("command"), handler_kind::unknown);
  EXPECT_EQ(r.kind_of("command", R"(["ls"])"), handler_kind::command);
}

TEST_F(executor_runner, runs_worker_handlers_inline) {
  add_builtin_handlers(handlers_, io_);
  handlers_.add(
      "throws", [](const task_run&) -> outcome { throw std::runtime_error("bad day\xff"); },
      run_on::worker);
  handlers_.add(
      "odd", [](const task_run&) -> outcome { throw 7; }, run_on::worker);
  handlers_.add(
      "broken", [](const task_run&) { return outcome::success("{"); }, run_on::worker);
  handlers_.add("slow", [](const task_run&) { return outcome::success(); });
  auto& r = the_runner();
  EXPECT_THAT(r.run_inline(task("noop")), succeeds_with(""));
  EXPECT_THAT(r.run_inline(task("echo", R"({"a": 1})")), succeeds_with(R"({"a": 1})"));
  EXPECT_THAT(r.run_inline(task("throws")), is_retried("bad"));
  EXPECT_THAT(r.run_inline(task("odd")), is_retried("unknown type"));
  EXPECT_THAT(r.run_inline(task("broken")),
              is_failed("the handler's result cannot be stored: it is not valid JSON"));
  EXPECT_THAT(r.run_inline(task("slow")), is_failed("does not run inside a worker"));
  EXPECT_THAT(r.run_inline(task("nobody")), is_failed("no handler is named \"nobody\""));
  EXPECT_EQ(r.counters().unusable_results, 1u);
}

TEST_F(executor_runner, the_fail_handler_fails_as_often_as_asked) {
  add_builtin_handlers(handlers_, io_);
  auto& r = the_runner();
  auto one = task("fail", R"({"times": 2})");
  EXPECT_THAT(r.run_inline(one), is_retried("attempt 1 fails as asked"));
  one.attempt = 3;
  EXPECT_THAT(r.run_inline(one), succeeds_with(R"({"attempt": 3})"));
  for (const char* bad : {"", "null", "{}", R"({"times": -1})", R"({"times": 1.5})",
                          R"({"times": 1, "x": 2})", R"({"times": 99999999999999999999})"})
    EXPECT_THAT(r.run_inline(task("fail", bad)), is_failed("the payload must be {\"times\": "))
        << bad;
}

TEST_F(executor_runner, sleep_ends_by_time_and_by_stop) {
  add_builtin_handlers(handlers_, io_);
  EXPECT_THAT(run(task("sleep", R"({"ms": 1})")), succeeds_with(""));
  EXPECT_THAT(run(task("sleep", R"({"ms": "1"})")), is_failed("the payload must be {\"ms\": "));
  auto long_one = start(task("sleep", R"({"ms": 3600000})"));
  long_one.attempt->cancel();
  EXPECT_THAT(long_one.get(), is_cancelled());
  auto limited = task("sleep", R"({"ms": 3600000})");
  limited.timeout = 20ms;
  EXPECT_THAT(run(limited), is_retried("timed out after 20 ms"));
  EXPECT_EQ(the_runner().counters().timeouts, 1u);
}

TEST_F(executor_runner, thread_functions_run_side_by_side_up_to_the_limit) {
  door out;
  std::mutex lock;
  std::set<std::thread::id> threads;
  auto inside = std::make_shared<std::latch>(3);
  handlers_.add("block", [&, inside](const task_run&) {
    {
      const std::lock_guard held(lock);
      if (threads.insert(std::this_thread::get_id()).second) inside->count_down();
    }
    out.opened.wait();
    return outcome::success("1");
  });
  auto& r = start_runner({.threads_max = 3, .command_log = {}});
  EXPECT_EQ(r.counters().threads, 0u);
  std::vector<pending_outcome> all;
  for (int i = 0; i < 10; ++i) all.push_back(start(task("block")));
  inside->wait();
  EXPECT_EQ(r.counters().threads_busy, 3u);
  EXPECT_EQ(r.counters().waiting, 7u);
  out.open();
  for (auto& one : all) EXPECT_THAT(one.get(), succeeds_with("1"));
  EXPECT_EQ(threads.size(), 3u);
  EXPECT_EQ(r.counters().reported, 10u);
}

TEST_F(executor_runner, an_exception_is_a_retry_with_storable_text) {
  handlers_.add("throws",
                [](const task_run&) -> outcome { throw std::runtime_error("odd \xff text"); });
  EXPECT_THAT(run(task("throws")), is_retried("odd \xEF\xBF\xBD text"));
}

TEST_F(executor_runner, unusable_results_fail_and_long_errors_are_cut) {
  handlers_.add("nul", [](const task_run&) { return outcome::success(R"("\u0000")"); });
  handlers_.add("big", [](const task_run&) {
    return outcome::success("\"" + std::string(limits::result_bytes_max, 'x') + "\"");
  });
  handlers_.add("words",
                [](const task_run&) { return outcome::retry(std::string(1 << 20, 'x'), -5ms); });
  handlers_.add("mute", [](const task_run&) { return outcome::failure(""); });
  EXPECT_THAT(run(task("nul")), is_failed("NUL"));
  EXPECT_THAT(run(task("big")), is_failed("more than the limit"));
  const outcome words = run(task("words"));
  EXPECT_EQ(words.error.size(), limits::error_bytes_max);
  EXPECT_EQ(words.retry_in, 0ms);
  EXPECT_THAT(run(task("mute")), is_failed("no reason"));
}

TEST_F(executor_runner, a_function_that_obeys_its_token_times_out_cleanly) {
  handlers_.add("obeys", [](const task_run& r) {
    std::promise<void> asked;
    std::stop_callback on_stop(r.stop, [&] { asked.set_value(); });
    asked.get_future().wait();
    return outcome::cancelled();
  });
  auto limited = task("obeys");
  limited.timeout = 20ms;
  EXPECT_THAT(run(limited), is_retried("timed out after 20 ms"));
  auto other = start(task("obeys"));
  other.attempt->cancel();
  EXPECT_THAT(other.get(), is_cancelled());
}

TEST_F(executor_runner, success_after_a_stop_is_still_success) {
  handlers_.add("finishes", [](const task_run& r) {
    std::promise<void> asked;
    std::stop_callback on_stop(r.stop, [&] { asked.set_value(); });
    asked.get_future().wait();
    return outcome::success("1");
  });
  auto limited = task("finishes");
  limited.timeout = 10ms;
  EXPECT_THAT(run(limited), succeeds_with("1"));
}

TEST_F(executor_runner, a_deaf_function_is_given_up_and_keeps_its_thread) {
  door out;
  std::promise<void> ended;
  handlers_.add("deaf", [&](const task_run&) {
    out.opened.wait();
    return outcome::success("1");
  });
  handlers_.add("quick", [](const task_run&) { return outcome::success("2"); });
  auto& r = start_runner({.threads_max = 1, .stop_grace = 10ms, .command_log = {}});
  auto limited = task("deaf");
  limited.timeout = 10ms;
  EXPECT_THAT(run(limited), is_retried("timed out after 10 ms"));
  EXPECT_EQ(r.counters().threads_stuck, 1u);
  auto behind = start(task("quick"));
  EXPECT_EQ(r.counters().waiting, 1u);
  out.open();
  EXPECT_THAT(behind.get(),
              succeeds_with("2"));  // the only thread is free again, so the late outcome is in
  EXPECT_EQ(r.counters().threads_stuck, 0u);
  EXPECT_EQ(r.counters().late, 1u);
}

TEST_F(executor_runner, a_function_that_waits_for_a_thread_is_cancelled_at_once) {
  door out;
  std::promise<void> inside;
  handlers_.add("block", [&](const task_run&) {
    inside.set_value();
    out.opened.wait();
    return outcome::success();
  });
  start_runner({.threads_max = 1, .command_log = {}});
  auto first = start(task("block"));
  inside.get_future().wait();
  auto second = start(task("block"));  // would set the promise twice if it ran
  second.attempt->cancel();
  EXPECT_THAT(second.get(), is_cancelled());
  out.open();
  EXPECT_THAT(first.get(), succeeds_with(""));
}

TEST_F(executor_runner, only_the_first_completion_counts) {
  handlers_.add_async("twice", [](const task_run&, completion done) {
    done(outcome::success("1"));
    done(outcome::success("2"));
  });
  handlers_.add_async("throws_late", [](const task_run&, completion done) {
    done(outcome::success("1"));
    throw std::runtime_error("too late");
  });
  handlers_.add_async("throws",
                      [](const task_run&, completion) { throw std::runtime_error("at once"); });
  handlers_.add_async("forgets", [](const task_run&, completion) {});
  EXPECT_THAT(run(task("twice")), succeeds_with("1"));
  EXPECT_EQ(the_runner().counters().late, 1u);
  EXPECT_THAT(run(task("throws_late")), succeeds_with("1"));
  EXPECT_THAT(run(task("throws")), is_retried("at once"));
  EXPECT_THAT(run(task("forgets")), is_retried("dropped its completion"));
}

TEST_F(executor_runner, a_silent_async_handler_is_given_up) {
  std::vector<completion> kept;
  handlers_.add_async("silent",
                      [&](const task_run&, completion done) { kept.push_back(std::move(done)); });
  auto& r = start_runner({.stop_grace = 10ms, .command_log = {}});
  auto limited = task("silent");
  limited.timeout = 10ms;
  EXPECT_THAT(run(limited), is_retried("timed out after 10 ms"));
  kept.at(0)(outcome::success());
  EXPECT_EQ(r.counters().late, 1u);
  kept.clear();
}

TEST_F(executor_runner, unknown_handlers_and_bad_commands_fail) {
  EXPECT_THAT(run(task("nobody")), is_failed("no handler is named"));
  EXPECT_THAT(run(task("command")), is_failed("no command of its own"));
  EXPECT_THAT(run(command("[]")), is_failed("argv: must have 1 to 1000"));
}

TEST_F(executor_runner, shutdown_cancels_what_runs_and_starts_nothing_more) {
  add_builtin_handlers(handlers_, io_);
  auto& r = the_runner();
  auto one = start(task("sleep", R"({"ms": 3600000})"));
  EXPECT_TRUE(r.shutdown(std::chrono::steady_clock::now() + patience));
  EXPECT_THAT(one.get(), is_cancelled());
  EXPECT_THAT(run(task("sleep", R"({"ms": 1})")), is_cancelled());
}

TEST_F(executor_runner, shutdown_does_not_wait_for_a_deaf_function) {
  door out;
  std::promise<void> inside;
  auto left = std::make_shared<std::promise<void>>();
  handlers_.add("deaf", [&inside, left, opened = out.opened](const task_run&) {
    inside.set_value();
    opened.wait();
    left->set_value();
    return outcome::success();
  });
  auto& r = the_runner();
  auto one = start(task("deaf"));
  inside.get_future().wait();
  EXPECT_FALSE(r.shutdown(std::chrono::steady_clock::now()));
  EXPECT_THAT(one.get(), is_cancelled());
  out.open();
  left->get_future().wait();
}

TEST_F(executor_runner, many_attempts_from_many_threads_report_once_each) {
  add_builtin_handlers(handlers_, io_);
  handlers_.add("quick", [](const task_run&) { return outcome::success("1"); });
  auto& r = start_runner({.threads_max = 4, .command_log = {}});
  constexpr int per_thread = 500;
  std::atomic<int> done_count{0};
  std::promise<void> all_done;
  std::vector<std::thread> starters;
  for (int t = 0; t < 4; ++t) {
    starters.emplace_back([&, t] {
      for (int i = 0; i < per_thread; ++i) {
        auto one = i % 2 ? task("quick") : task("sleep", R"({"ms": 1})");
        one.timeout = i % 3 ? 0ms : 1ms;
        auto attempt = r.start(std::move(one), [&](outcome) {
          if (++done_count == 4 * per_thread) all_done.set_value();
        });
        if ((i + t) % 5 == 0) attempt->cancel();
      }
    });
  }
  for (auto& s : starters) s.join();
  ASSERT_EQ(all_done.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(r.counters().started, 4u * per_thread);
  EXPECT_EQ(r.counters().reported, 4u * per_thread);
}

}  // namespace
}  // namespace cascade
