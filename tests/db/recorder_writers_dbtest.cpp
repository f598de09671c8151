// The recorder with several connections that write: loose settlements go over all of them when one
// cannot keep up, everything else stays in order on the first.
#include "tests/db/recorder_fixture.hpp"

namespace cascade {
namespace {

struct recorder_writers : recorder_fixture {
  pg::connection blocker = database.connect();

  recorder_writers() {
    settings.writers = 2;
    settings.batch_rows_max = 4;
  }
  settlement loose(task_id id, std::string result = {}) {
    settlement s = completion(id, std::move(result));
    s.loose = true;
    return s;
  }
  // The first task's row is locked: the batch that completes it cannot end.
  void hold_first_batch(task_id id) {
    must(blocker.exec_text(
        "begin; select from cascade.task where id = " + std::to_string(id.value) + " for update"));
  }
  // Without the round trip of wait_answers: the first connection cannot answer.
  void until_answered(std::size_t n) {
    until([&] { return answers.size() >= n; });
    EXPECT_EQ(answers.size(), n);
  }
  std::int64_t completed() {
    return number("select count(*) from cascade.task where status = 'completed'");
  }
};

TEST_F(recorder_writers, loose_settlements_pass_a_first_connection_that_is_busy) {
  run();
  const auto tasks = make_tasks(9);
  hold_first_batch(tasks[0]);
  for (const task_id t : tasks) write(loose(t));
  until_answered(8);
  EXPECT_EQ(status_of(tasks[0]), "pending");
  must(blocker.exec_text("rollback"));
  wait_answers(9);
  EXPECT_EQ(completed(), 9);
  EXPECT_GT(batches(1), 0);
}

TEST_F(recorder_writers, few_rows_wait_for_the_first_connection) {
  run();
  const auto tasks = make_tasks(2);
  hold_first_batch(tasks[0]);
  for (const task_id t : tasks) write(loose(t));
  EXPECT_EQ(shown()["settlements_in_flight"], 1);
  EXPECT_EQ(shown()["queued_rows"], 1);
  must(blocker.exec_text("rollback"));
  wait_answers(2);
  EXPECT_EQ(batches(1), 0);
}

TEST_F(recorder_writers, nothing_passes_a_settlement_that_is_not_loose) {
  run();
  const auto tasks = make_tasks(9);
  hold_first_batch(tasks[0]);
  for (const task_id t : tasks) write(t == tasks[1] ? completion(t) : loose(t));
  EXPECT_EQ(shown()["settlements_in_flight"], 1);
  EXPECT_EQ(shown()["queued_rows"], 8);
  must(blocker.exec_text("rollback"));
  wait_answers(9);
  EXPECT_EQ(completed(), 9);
}

// The first task's batch is stuck on the first connection, the next ones on the second.
TEST_F(recorder_writers, what_follows_in_a_job_waits_for_what_was_loose_in_it) {
  run();
  const job_id job{1}, another{2};
  auto second = database.connect();
  const auto tasks = make_tasks(8);
  hold_first_batch(tasks[0]);
  must(second.exec_text("begin; select from cascade.task where id = " +
                        std::to_string(tasks[1].value) + " for update"));
  const auto of = [](job_id j, settlement s) {
    s.job = j;
    return s;
  };
  write(loose(tasks[0]));
  for (int i = 1; i <= 4; ++i) write(of(job, loose(tasks[static_cast<std::size_t>(i)])));
  write(of(another, completion(tasks[5])));
  write(of(job, completion(tasks[6])));
  must(blocker.exec_text("rollback"));
  until_answered(4);  // the first one, two loose ones, and that of another job
  round_trip();
  EXPECT_EQ(status_of(tasks[5]), "completed");
  EXPECT_EQ(status_of(tasks[6]), "pending")
      << "a crash now must not find it done before the others";
  must(second.exec_text("rollback"));
  wait_answers(7);
  EXPECT_EQ(completed(), 7);
}

TEST_F(recorder_writers, what_one_connection_is_refused_is_tried_alone_on_the_first) {
  run();
  run_sql(
      "alter table cascade.task add constraint no_bad check (result is distinct from '\"bad\"')");
  const auto tasks = make_tasks(9);
  hold_first_batch(tasks[0]);
  for (const task_id t : tasks) write(loose(t, t == tasks[3] ? "\"bad\"" : ""));
  until([&] { return batches(1) > 0; });
  must(blocker.exec_text("rollback"));
  wait_answers(9);
  EXPECT_EQ(status_of(tasks[3]), "failed");
  EXPECT_EQ(completed(), 8);
}

// A finished task moves to another partition: who waited for its row is not told what became of it,
// but refused.
TEST_F(recorder_writers, a_row_that_moved_away_meanwhile_is_looked_at_again) {
  run();
  const auto tasks = make_tasks(2);
  const std::string id = std::to_string(tasks[0].value);
  must(blocker.exec_text("set role cascade_engine"));
  must(
      blocker.exec_text("begin; update cascade.task set status = 'cancelled', started_at = now(), "
                        "finished_at = now(), finished_on = cascade.today() where id = " +
                        id));
  settlement both = completion(tasks[0]);
  both.completed.push_back(completion(tasks[1]).completed.front());
  write(std::move(both));
  until([&] {
    return number(
               "select count(*) from pg_locks l join pg_stat_activity a using (pid) where not "
               "l.granted "
               "and l.locktype = 'transactionid' and a.datname = current_database()") == 1;
  });
  must(blocker.exec_text("commit"));
  wait_answers(1);
  EXPECT_TRUE(answers[0].rejected.empty()) << answers[0].rejected;
  EXPECT_EQ(status_of(tasks[0]), "cancelled");
  EXPECT_EQ(status_of(tasks[1]), "completed");
}

TEST_F(recorder_writers, all_of_them_are_written_once_after_a_lost_connection) {
  run();
  const auto tasks = make_tasks(20);
  must(blocker.exec_text("begin; select from cascade.task for update"));
  for (const task_id t : tasks) write(loose(t));
  until([&] { return port->writer(0)->in_flight() >= 1 && port->writer(1)->in_flight() >= 1; });
  io.poll();
  lose_connection();
  must(blocker.exec_text("rollback"));
  EXPECT_EQ(completed(), 0);
  reconnect();
  wait_answers(20);
  auto order = answered();
  std::ranges::sort(order);
  EXPECT_EQ(std::ranges::adjacent_find(order), order.end());
  EXPECT_EQ(completed(), 20);
}

TEST_F(recorder_writers, each_is_fenced) {
  run();
  const auto tasks = make_tasks(9);
  hold_first_batch(tasks[0]);
  write(loose(tasks[0]));
  until([&] { return port->writer(0)->in_flight() >= 1; });
  io.poll();
  // What a takeover does, but for the first writer, whose batch it would wait for.
  run_sql("delete from cascade.writer where writer = 1");
  watch(actor);
  for (std::size_t i = 1; i < tasks.size(); ++i) write(loose(tasks[i]));
  std::optional<caf::error> why;
  until([&] { return (why = ended()).has_value(); });
  EXPECT_EQ(*why, errc::fenced);
  EXPECT_TRUE(answers.empty());
  must(blocker.exec_text("rollback"));
}

}  // namespace
}  // namespace cascade
