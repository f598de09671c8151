#include "executor_fixture.hpp"

namespace cascade {
namespace {

class executor_snooze : public executor_fixture {};

TEST_F(executor_snooze, a_snooze_keeps_its_time_within_bounds) {
  handlers_.add("long", [](const task_run&) { return outcome::snooze(24h * 366, "a year"); });
  handlers_.add("back", [](const task_run&) { return outcome::snooze(-5ms, "odd \xff text"); });
  handlers_.add("ages", [](const task_run&) {
    return outcome::retry("later", std::chrono::milliseconds::max());
  });
  EXPECT_THAT(run(task("long")), is_snoozed(24h * 365, "a year"));
  EXPECT_THAT(run(task("back")), is_snoozed(0ms, "odd \xEF\xBF\xBD text"));
  EXPECT_EQ(run(task("ages")).retry_in, 24h * 365);
}

TEST_F(executor_snooze, a_snooze_after_a_stop_is_what_the_stop_says) {
  handlers_.add("sleepy", [](const task_run& r) {
    std::promise<void> asked;
    std::stop_callback on_stop(r.stop, [&] { asked.set_value(); });
    asked.get_future().wait();
    return outcome::snooze(1ms, "not yet");
  });
  auto limited = task("sleepy");
  limited.timeout = 10ms;
  EXPECT_THAT(run(limited), is_retried("timed out after 10 ms: not yet"));
  auto other = start(task("sleepy"));
  other.attempt->cancel();
  EXPECT_THAT(other.get(), is_cancelled());
}

}  // namespace
}  // namespace cascade
