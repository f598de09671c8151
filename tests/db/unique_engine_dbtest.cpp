// What becomes of the task that has a key already, while a node has it in memory.
#include "tests/db/unique_engine_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct unique_engine : unique_engine_fixture {
  static std::string with(const std::string& payload, const std::string& mode,
                          const std::string& more = {}) {
    return "'" + payload + "', unique_key => 'k', on_conflict => '" + mode + "'" + more;
  }
};

TEST_F(unique_engine, a_ready_task_starts_once_with_the_latest_payload) {
  run();
  const auto first = push("'{}'");
  wait_start(first);  // the only slot
  const auto id = push(with("1", "raise"));
  EXPECT_EQ(push(with("2", "skip")), id);
  EXPECT_EQ(push(with("3", "replace")), id);
  EXPECT_EQ(push(with("4", "replace")), id);
  carried_out();
  EXPECT_EQ(outcomes(), "applied; applied");
  finish(first);
  wait_start(id);
  EXPECT_EQ(payload(id), "4");
  finish(id);
  look();
  EXPECT_THAT(started, ElementsAre(first, id));
  EXPECT_EQ(status_of(task_id{id}), "completed");
}

TEST_F(unique_engine, a_task_whose_payload_is_not_in_memory_starts_with_the_latest_one) {
  settings.ready_max = 1;
  run();
  const auto first = push("'{}'");
  wait_start(first);
  const auto other = push("'\"other\"', priority => 90");
  const auto id = push(with("1", "raise"));
  push(with("2", "replace"));
  carried_out();
  finish(first);
  wait_start(other);
  finish(other);
  wait_start(id);
  EXPECT_EQ(payload(id), "2");
}

TEST_F(unique_engine, debouncing_moves_the_task_and_it_starts_once_after_the_last_push) {
  run();
  const auto id = push(with("1", "reschedule", ", run_at => now() + interval '100 seconds'"));
  for (int n = 2; n <= 4; ++n)
    EXPECT_EQ(push(with(std::to_string(n), "reschedule",
                        ", run_at => now() + interval '" + std::to_string(100 * n) + " seconds'")),
              id);
  carried_out();
  live(301s, 100s);
  EXPECT_THAT(started, IsEmpty());
  EXPECT_EQ(push(with("5", "reschedule", ", run_at => now()")), id);
  carried_out();
  wait_start(id);
  EXPECT_EQ(payload(id), "5");
  finish(id);
  live(1000s, 100s);
  EXPECT_THAT(started, ElementsAre(id));
}

TEST_F(unique_engine, one_that_is_not_due_for_long_is_changed_in_its_row) {
  run();
  const auto id = push(with("1", "raise", ", run_at => now() + interval '1 day'"));
  push(with("2", "replace"));
  carried_out();
  EXPECT_EQ(value("select payload::text || (run_at > now() + interval '23 hours') from "
                  "cascade.task where id = " +
                  std::to_string(id)),
            "2true");
  push(with("3", "reschedule"));
  carried_out();
  wait_start(id);
  EXPECT_EQ(payload(id), "3");
}

TEST_F(unique_engine, what_runs_or_has_finished_stays_as_it_is) {
  run();
  const auto id = push("'1', unique_key => 'k', unique_states => '{completed}'");
  wait_start(id);
  EXPECT_EQ(push(with("2", "replace")), id);  // not written as running yet: the owner knows
  carried_out();
  EXPECT_EQ(outcomes(), "the task is running");
  finish(id);
  EXPECT_EQ(push(with("3", "replace")), id);
  EXPECT_EQ(outcomes(), "the task is running") << "nobody is asked";
  EXPECT_EQ(value("select payload::text || status from cascade.task"), "1completed");
  must(admin.exec("insert into cascade.command (kind, task_id, argument) values ('change_task', " +
                  std::to_string(id) + ", '{\"payload\": 9}')"));
  carried_out();
  EXPECT_EQ(outcomes(), "the task is running; the task has started or has finished");
  EXPECT_THAT(started, ElementsAre(id));
}

TEST_F(unique_engine, a_change_that_comes_while_a_retry_is_recorded_counts_for_the_next_attempt) {
  run();
  const auto id = push(with("1", "raise"));
  wait_start(id);
  const std::int64_t command = number(
      "insert into cascade.command (kind, task_id, argument, applied_at) values ('change_task', " +
      std::to_string(id) + ", '{\"payload\": 2}', now()) returning id");
  const task_run run = running.extract(id).mapped();
  const monotonic now = sched.clock().now();
  tell(pool, scheduler, tasks_done{{{run.id, run.attempt, now, now, outcome::retry("broken")}}});
  settle();  // it is on its way to the database, and the command is here
  work_arrived w;
  w.page.commands.push_back(
      {command_id{command}, {}, task_id{id}, "change_task", {}, R"({"payload": 2})"});
  tell(inbox, scheduler, std::move(w));
  settle();
  round_trip();
  round_trip();
  look();
  live(1s, 50ms);
  wait_start(id);
  EXPECT_EQ(payload(id), "2");
  EXPECT_EQ(running.at(id).attempt, 2);
  finish(id);
  live(1s, 50ms);
  EXPECT_THAT(started, ElementsAre(id, id));
}

TEST_F(unique_engine, the_key_of_a_finished_task_is_kept_or_free_whoever_ended_it) {
  run();
  const auto kept = push("'1', unique_key => 'a', unique_states => '{completed,cancelled}'");
  wait_start(kept);
  finish(kept);
  const auto waits = push(
      "'1', unique_key => 'b', unique_states => '{cancelled}', run_at => now() + "
      "interval '1 day'");
  must(admin.exec("select cascade.cancel_task(" + std::to_string(waits) + ")"));
  carried_out();
  const auto failed =
      push("'1', unique_key => 'c', unique_states => '{completed}', max_attempts => 1");
  wait_start(failed);
  finish(failed, outcome::failure("broken"));
  EXPECT_EQ(value("select string_agg(unique_key, ',' order by 1) from cascade.kept_key"), "a,b");
  EXPECT_EQ(push("'2', unique_key => 'b', on_conflict => 'skip'"), waits);
  must(admin.exec("select cascade.retry_task(" + std::to_string(waits) + ")"));
  carried_out();
  EXPECT_EQ(value("select string_agg(unique_key, ',' order by 1) from cascade.kept_key"), "a");
  EXPECT_GT(push("'2', unique_key => 'c'"), failed);
  must(admin.exec("select cascade.retry_task(" + std::to_string(failed) + ")"));
  carried_out();
  EXPECT_EQ(status_of(task_id{failed}), "failed") << "another task has its key";
}

}  // namespace
}  // namespace cascade
