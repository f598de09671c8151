// What is written of attempts that are not over for good: back-offs, snoozes, progress.
#include "tests/db/recorder_fixture.hpp"

namespace cascade {
namespace {

struct attempts : recorder_fixture {
  std::string row(task_id id, const std::string& columns) {
    return value("select concat_ws(' ', " + columns +
                 ") from cascade.task where id = " + std::to_string(id.value));
  }
  void start(task_id id, int attempt) {
    settlement s;
    s.started.push_back({id, attempt, {}});
    write(std::move(s));
  }
  void back_off(task_id id, int attempt, instant run_at, bool snoozed, bool forgotten = false) {
    settlement s;
    s.backed_off.push_back(
        {id, attempt, run_at, {}, {}, snoozed ? "not ready" : "broken", snoozed, forgotten});
    write(std::move(s));
  }
  std::size_t written() { return tickets; }
  const instant later = instant_of(4'102'444'800'000'000);  // 2100
};

TEST_F(attempts, a_back_off_says_when_the_next_one_may_start_and_logs_the_last) {
  run();
  const task_id id = make_task();
  start(id, 1);
  back_off(id, 1, later, false);
  wait_answers(written());
  EXPECT_EQ(row(id, "status, waiting_reason, attempt, run_at = '2100-01-01 UTC', error"),
            "waiting retry_backoff 1 t broken");
  EXPECT_EQ(
      value("select outcome from cascade.attempts where task_id = " + std::to_string(id.value)),
      "failed");
}

TEST_F(attempts, a_snooze_gives_its_attempt_back_and_logs_none) {
  run();
  const task_id id = make_task();
  start(id, 1);
  back_off(id, 1, later, true);
  wait_answers(written());
  EXPECT_EQ(row(id, "status, waiting_reason, attempt, run_at = '2100-01-01 UTC'"),
            "waiting delay 0 t");
  EXPECT_EQ(value("select count(*) from cascade.attempts"), "0");
}

TEST_F(attempts, what_is_forgotten_is_new_for_the_inbox) {
  run();
  const task_id kept = make_task(), forgotten = make_task();
  const std::string before = value("select pg_current_snapshot()");
  back_off(kept, 1, later, false);
  back_off(forgotten, 1, later, false, true);
  wait_answers(written());
  EXPECT_EQ(value("select string_agg(id::text, ' ') from cascade.task where not "
                  "pg_visible_in_snapshot(xid, '" +
                  before + "')"),
            std::to_string(forgotten.value));
}

TEST_F(attempts, progress_is_shown_while_it_runs_and_is_gone_with_the_next_attempt) {
  run();
  const task_id id = make_task();
  start(id, 1);
  settlement s;
  s.progress.push_back({id, 1, 10, "first"});
  s.progress.push_back({id, 1, 40, "loading"});
  write(std::move(s));
  wait_answers(written());
  settlement alive;
  alive.progress.push_back({id, 1, -1, ""});  // it never said how far it is
  write(std::move(alive));
  settlement other;
  other.progress.push_back({id, 2, 90, "of an attempt that is not"});
  write(std::move(other));
  wait_answers(written());
  EXPECT_EQ(value("select progress || ' ' || progress_text from cascade.tasks"), "40 loading");
  back_off(id, 1, later, false);
  wait_answers(written());
  EXPECT_EQ(value("select progress is null and progress_text is null from cascade.tasks"), "t");
}

}  // namespace
}  // namespace cascade
