// Signs of life of C++ functions: what reaches the heartbeat, and what they do to the timeout.
#include <atomic>
#include <latch>

#include "executor_fixture.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

using clock = std::chrono::steady_clock;

void wait_for_stop(const task_run& run) {
  std::promise<void> asked;
  std::stop_callback on_stop(run.stop, [&] { asked.set_value(); });
  asked.get_future().wait();
}

class executor_beat : public executor_fixture {
protected:
  report_log log_;
};

TEST_F(executor_beat, reports_say_the_latest_progress) {
  handlers_.add("steps", [&](const task_run& r) {
    std::size_t n = 0;
    const auto said = [&](int percent, std::string_view text = {}) {
      r.beat(percent, text);
      return log_.wait_for(++n);
    };
    EXPECT_THAT(said(-1), reports(-1, ""));
    EXPECT_THAT(said(0, "begun"), reports(0, "begun"));
    EXPECT_THAT(said(40, "loaded"), reports(40, "loaded"));
    EXPECT_THAT(said(-1), reports(40, "loaded"));
    EXPECT_THAT(said(-1, "still"), reports(40, "still"));
    EXPECT_THAT(said(50), reports(50, ""));
    EXPECT_THAT(said(250, "x"), reports(100, "x"));
    EXPECT_THAT(said(-7), reports(100, "x"));
    return outcome::success("1");
  });
  start_runner({.beat_every = 0ms, .command_log = {}});
  EXPECT_THAT(run(task("steps"), log_.sink()), succeeds_with("1"));
}

TEST_F(executor_beat, texts_are_storable_and_cut_between_characters) {
  const auto many = [](std::string_view what, int n) {
    std::string out;
    while (n-- > 0) out += what;
    return out;
  };
  const std::string x199 = many("x", 199);
  const std::pair<std::string, std::string> texts[] = {
      {std::string("a\0b\xff", 4),
       "a\xEF\xBF\xBD"
       "b\xEF\xBF\xBD"},
      {many("\u00e9", 150), many("\u00e9", 100)},
      {x199 + "yz", x199 + "y"},
      {x199 + "\u00e9", x199},
      {x199 + "\U0001F600", x199},
      {many("x", 197) + "\u20ac\u20ac", many("x", 197) + "\u20ac"},
      {many("x", 197) + "\U0001F600", many("x", 197)},
      {many("\xff", 5000), many("\xEF\xBF\xBD", 66)},
  };
  handlers_.add("texts", [&](const task_run& r) {
    std::size_t n = 0;
    for (const auto& [said, kept] : texts) {
      r.beat(1, said);
      EXPECT_EQ(log_.wait_for(++n).text, kept);
    }
    return outcome::success("1");
  });
  start_runner({.beat_every = 0ms, .command_log = {}});
  EXPECT_THAT(run(task("texts"), log_.sink()), succeeds_with("1"));
}

TEST_F(executor_beat, a_flood_from_many_threads_is_one_report) {
  handlers_.add("flood", [&](const task_run& r) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&r] {
        for (int i = 0; i < 10'000; ++i) r.beat(i % 200 - 50, "flood");
      });
    for (auto& t : threads) t.join();
    log_.wait_for(1);
    return outcome::success("1");
  });
  start_runner({.beat_every = 1h, .command_log = {}});
  EXPECT_THAT(run(task("flood"), log_.sink()), succeeds_with("1"));
  EXPECT_EQ(log_.size(), 1u);
}

TEST_F(executor_beat, the_last_of_an_interval_comes_at_its_end) {
  constexpr auto every = 50ms;
  handlers_.add("pauses", [&](const task_run& r) {
    r.beat(0, "first");
    log_.wait_for(1);
    for (int i = 1; i < 10; ++i) r.beat(i, "middle");
    r.beat(10, "last");
    log_.wait_for_text("last");
    return outcome::success("1");
  });
  start_runner({.beat_every = every, .command_log = {}});
  const auto begun = clock::now();
  EXPECT_THAT(run(task("pauses"), log_.sink()), succeeds_with("1"));
  EXPECT_GE(log_.size(), 2u);
  EXPECT_GE(clock::now() - begun, every * (log_.size() - 1));
}

TEST_F(executor_beat, each_beat_restarts_the_timeout) {
  handlers_.add("busy", [](const task_run& r) {
    const auto end = clock::now() + 3 * r.timeout;
    while (clock::now() < end && !r.stop.stop_requested()) r.beat(-1);
    return r.stop.stop_requested() ? outcome::cancelled() : outcome::success("1");
  });
  handlers_.add("tires", [](const task_run& r) {
    r.beat(99, "nearly");
    wait_for_stop(r);
    return outcome::cancelled();
  });
  auto busy = task("busy");
  busy.timeout = 200ms;
  EXPECT_THAT(run(busy), succeeds_with("1"));
  auto tires = task("tires");
  tires.timeout = 20ms;
  EXPECT_THAT(run(tires), is_retried("timed out after 20 ms without a sign of life"));
  EXPECT_EQ(the_runner().counters().timeouts, 1u);
}

TEST_F(executor_beat, a_beat_after_the_timeout_does_not_save_the_attempt) {
  std::atomic<bool> over{false};
  handlers_.add("late", [&](const task_run& r) {
    wait_for_stop(r);
    while (!over) r.beat(50, "still here");
    return outcome::success();
  });
  start_runner({.stop_grace = 30ms, .beat_every = 1ms, .command_log = {}});
  auto limited = task("late");
  limited.timeout = 10ms;
  EXPECT_THAT(run(limited, log_.sink()), is_retried("timed out after 10 ms"));
  const auto reports_then = log_.size();
  over = true;
  EXPECT_TRUE(the_runner().shutdown(clock::now() + patience));
  EXPECT_EQ(log_.size(), reports_then);
}

TEST_F(executor_beat, beats_after_the_outcome_are_nothing) {
  task_run kept;
  handlers_.add_async("keeps", [&](const task_run& r, completion done) {
    kept = r;
    done(outcome::success("1"));
  });
  start_runner({.beat_every = 0ms, .command_log = {}});
  const auto held = std::make_shared<int>(0);
  EXPECT_THAT(run(task("keeps"), [held, sink = log_.sink()](progress_report r) { sink(r); }),
              succeeds_with("1"));
  for (int i = 0; i < 100; ++i) kept.beat(i, "too late");
  EXPECT_EQ(held.use_count(), 1);
  runner_.reset();
  guard_.reset();
  thread_.join();
  kept.beat(100, "much too late");
  EXPECT_EQ(log_.size(), 0u);
}

TEST_F(executor_beat, no_report_comes_after_the_outcome) {
  handlers_.add("talks", [](const task_run& r) {
    for (int i = 0; i < 100; ++i) r.beat(i, "talking");
    return outcome::success();
  });
  auto& r = start_runner({.threads_max = 4, .beat_every = 0ms, .command_log = {}});
  constexpr std::ptrdiff_t count = 1'000;
  std::latch ended(count);
  std::atomic<int> after{0};
  for (int i = 0; i < count; ++i) {
    const auto over = std::make_shared<std::atomic<bool>>(false);
    r.start(
        task("talks"),
        [&, over](outcome) {
          *over = true;
          ended.count_down();
        },
        [&, over](const progress_report&) { after += *over; });
  }
  ended.wait();
  EXPECT_TRUE(r.shutdown(clock::now() + patience));
  EXPECT_EQ(after, 0);
}

TEST_F(executor_beat, without_a_runner_or_a_heartbeat_it_does_nothing) {
  task_run{}.beat(50, "nobody hears");
  handlers_.add(
      "inline",
      [](const task_run& r) {
        r.beat(50, "nobody hears");
        return outcome::success("1");
      },
      run_on::worker);
  EXPECT_THAT(the_runner().run_inline(task("inline")), succeeds_with("1"));
  EXPECT_THAT(run(task("inline")), succeeds_with("1"));
}

}  // namespace
}  // namespace cascade
