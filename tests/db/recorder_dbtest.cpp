// How the recorder puts settlements into batches, and what it does with those the database refuses.
#include "actors/recorder.hpp"

#include <gmock/gmock.h>

#include "tests/db/recorder_fixture.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using recorder = recorder_fixture;

TEST_F(recorder, an_idle_one_sends_the_first_at_once_and_the_next_batch_gathers_meanwhile) {
  run();
  const auto tasks = make_tasks(5);
  complete(tasks[0]);
  EXPECT_EQ(shown()["settlements_in_flight"], 1);
  for (std::size_t i = 1; i < 5; ++i) complete(tasks[i]);
  EXPECT_EQ(shown()["settlements_in_flight"], 1);
  EXPECT_EQ(shown()["queued_rows"], 4);
  wait_answers(5);
  EXPECT_EQ(completed_together(), "1 4");
  EXPECT_EQ(batches(), 2);
}

// Behind other batches, the database reads a batch some time after it was sent.
TEST_F(recorder, times_are_counted_back_from_when_the_batch_was_sent) {
  run();
  const auto tasks = make_tasks(3);
  const auto now = [this] { return sched.clock().now(); };
  const instant sent = instant_of(number("select cascade.instant_us(now())")) - 10min;
  tell(sender, actor, clock_read{{now(), sent}});
  const auto times = [&](std::size_t i) {
    settlement s = completion(tasks[i]);
    s.completed[0].started = now() - 2s;
    s.completed[0].finished = now() - 500ms;
    write(std::move(s));
    wait_answers(i + 1);
    return std::pair(number("select cascade.instant_us(started_at) from cascade.task where id = " +
                            std::to_string(tasks[i].value)),
                     number("select cascade.instant_us(finished_at) from cascade.task where id = " +
                            std::to_string(tasks[i].value)));
  };
  EXPECT_EQ(times(0), std::pair(us_of(sent - 2s), us_of(sent - 500ms)));
  tell(sender, actor, clock_read{{now(), sent - 100ms}});
  EXPECT_EQ(times(1).first, us_of(sent - 2s)) << "a reading that came late shows less";
  tell(sender, actor, clock_read{{now(), sent + 1h}});
  EXPECT_EQ(number("select count(*) from cascade.task where finished_at > clock_timestamp()"), 0);
  EXPECT_GT(times(2).first, us_of(sent - 2s + 5min)) << "nothing is written as of the future";
  EXPECT_EQ(number("select count(*) from cascade.task where finished_at > clock_timestamp()"), 0);
}

TEST_F(recorder, a_batch_takes_settlements_up_to_the_limit_of_rows) {
  settings.batch_rows_max = 3;
  run();
  const auto tasks = make_tasks(8);
  for (const task_id t : tasks) complete(t);
  wait_answers(8);
  EXPECT_EQ(completed_together(), "1 3 3 1");
}

TEST_F(recorder, no_more_batches_are_under_way_than_allowed) {
  settings.batches_in_flight = 2;
  run();
  for (const task_id t : make_tasks(4)) complete(t);
  EXPECT_EQ(shown()["settlements_in_flight"], 2);
  EXPECT_EQ(shown()["queued_rows"], 2);
  EXPECT_EQ(port->writer()->queued() + port->writer()->in_flight(), 2u);
  wait_answers(4);
  EXPECT_EQ(batches(), 3);
}

TEST_F(recorder, answers_come_in_the_order_of_the_settlements_and_each_once) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  settings.batches_in_flight = 1 + random() % 3;
  settings.batch_rows_max = 1 + random() % 6;
  run();
  const auto tasks = make_tasks(60);
  std::size_t next = 0;
  while (next < tasks.size()) {
    for (auto burst = 1 + random() % 7; burst > 0 && next < tasks.size(); --burst) {
      const task_id id = tasks[next++];
      settlement s;  // an order that only works when it is kept
      s.started.push_back({id, 1, {}});
      write(std::move(s));
      complete(id, "{\"n\": " + std::to_string(next) + "}");
    }
    if (random() % 2 == 0) round_trip();
  }
  wait_answers(2 * tasks.size());
  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].ticket, i + 1);
  EXPECT_EQ(number("select count(*) from cascade.task where status = 'completed'"), 60);
}

// -- refused --------------------------------------------------------------------------------------

TEST_F(recorder, an_outcome_the_database_cannot_store_fails_its_attempt_and_spares_the_others) {
  run();
  const auto tasks = make_tasks(4);
  complete(tasks[0]);
  complete(tasks[1], "1");
  complete(tasks[2], "{not json");
  complete(tasks[3], "3");
  wait_answers(4);
  EXPECT_THAT(answered(), testing::UnorderedElementsAre(1, 2, 3, 4));
  for (const auto& r : answers) EXPECT_EQ(r.rejected, "");
  EXPECT_EQ(status_of(tasks[1]), "completed");
  EXPECT_EQ(status_of(tasks[2]), "failed");
  EXPECT_EQ(status_of(tasks[3]), "completed");
  EXPECT_THAT(value("select error from cascade.task where status = 'failed'"),
              HasSubstr("the database refused the outcome of this attempt"));
  EXPECT_EQ(completed_together(), "1 1 1 1") << "each goes alone once their batch was refused";
}

TEST_F(recorder, what_cannot_be_stripped_is_rejected_and_the_others_commit) {
  run();
  const auto tasks = make_tasks(3);
  complete(tasks[0]);
  complete(tasks[1]);
  settlement bad = completion(tasks[2], "5");
  bad.job = job_id{test::make_job(admin)};
  bad.inserts.emplace_back();
  bad.inserts.back().step = bad.inserts.back().handler = bad.inserts.back().queue = "x";
  bad.inserts.back().payload = "{not json";
  write(bad);
  bad.completed.clear();
  write(std::move(bad));
  wait_answers(4);
  EXPECT_THAT(answered(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(answers[1].rejected, "");
  EXPECT_NE(answers[2].rejected, "");
  EXPECT_NE(answers[3].rejected, "");
  EXPECT_EQ(status_of(tasks[1]), "completed");
  EXPECT_EQ(status_of(tasks[2]), "pending") << "nothing of a rejected settlement is written";
  complete(tasks[2]);
  wait_answers(5);
}

TEST_F(recorder, a_command_that_is_refused_says_so_and_does_not_come_again) {
  run();
  const auto tasks = make_tasks(1);
  for (const char* kind : {"cancel_task", "change_task"})
    run_sql("insert into cascade.command (kind, task_id) values ('" + std::string(kind) + "', " +
            std::to_string(tasks[0].value) + ")");
  const command_id first{number("select min(id) from cascade.command")};
  const auto transaction = [&] { return value("select xid from cascade.task"); };
  const auto before = transaction();
  settlement cancel;
  cancel.unrun.push_back({tasks[0], task_state::cancelled, "x", {}});
  cancel.singles.push_back({single_write::kind::change_task, tasks[0].value, first.value + 1,
                            R"({"run_at_us": 9223372036854775807})"});
  cancel.commands.push_back({first, "applied"});
  write(std::move(cancel));
  wait_answers(1);
  EXPECT_THAT(answers[0].rejected, HasSubstr("out of range"));
  EXPECT_EQ(status_of(tasks[0]), "pending");
  EXPECT_NE(transaction(), before) << "the inbox brings it back: its key was taken out";
  EXPECT_EQ(value("select count(*) from cascade.command where applied_at is not null and outcome "
                  "like 'the database refused it: %out of range%'"),
            "2");
}

TEST_F(recorder, batches_behind_a_refused_one_are_sent_again_once) {
  settings.batches_in_flight = 3;
  settings.batch_rows_max = 1;
  run();
  const auto tasks = make_tasks(4);
  complete(tasks[0], "{not json");
  for (std::size_t i = 1; i < 4; ++i) complete(tasks[i], "1");
  EXPECT_EQ(shown()["settlements_in_flight"], 3);
  wait_answers(4);
  EXPECT_THAT(answered(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(status_of(tasks[0]), "failed");
  EXPECT_EQ(batches(), 4);
}

// -- the fence ------------------------------------------------------------------------------------

TEST_F(recorder, one_that_another_node_has_replaced_writes_nothing_and_ends) {
  settings.batches_in_flight = 2;
  run();
  const auto tasks = make_tasks(3);
  take_over();
  watch(actor);
  for (const task_id t : tasks) complete(t);
  std::optional<caf::error> why;
  until([&] { return (why = ended()).has_value(); });
  EXPECT_EQ(*why, errc::fenced);
  EXPECT_THAT(answers, IsEmpty()) << "nobody may believe that it knows what became of these";
  for (const task_id t : tasks) EXPECT_EQ(status_of(t), "pending");
}

TEST_F(recorder, a_day_without_a_partition_gets_one_with_the_first_batch) {
  run_sql(
      "do $$ begin execute 'drop table cascade.task_' || to_char(cascade.today(), 'YYYYMMDD'); "
      "execute 'drop table cascade.attempt_log_' || to_char(cascade.today(), 'YYYYMMDD'); end $$");
  run();
  const auto tasks = make_tasks(1);
  complete(tasks[0]);
  wait_answers(1);
  EXPECT_TRUE(answers[0].rejected.empty()) << answers[0].rejected;
  EXPECT_EQ(status_of(tasks[0]), "completed");
}

// -- counters -------------------------------------------------------------------------------------

TEST_F(recorder, counters_are_folded_in_time_after_a_write_and_an_idle_one_writes_nothing) {
  settings.fold_every = 500ms;
  run();
  const auto tasks = make_tasks(2);
  elapse(1h);
  round_trip();
  EXPECT_EQ(batches(), 0) << "what others wrote is not its business";
  complete(tasks[0]);
  wait_answers(1);
  elapse(499ms);
  round_trip();
  EXPECT_GT(number("select count(*) from cascade.counter_delta"), 0);
  EXPECT_EQ(batches(), 1);
  elapse(1ms);
  round_trip();
  EXPECT_EQ(number("select count(*) from cascade.counter_delta"), 0);
  EXPECT_EQ(value("select completed || ' ' || pending from cascade.queue_counter"), "1 0")
      << "the other one stands for itself";
  EXPECT_EQ(batches(), 2);
  live(10s, 500ms);
  EXPECT_EQ(batches(), 2);
  complete(tasks[1]);
  wait_answers(2);
  live(1s, 500ms);
  EXPECT_EQ(value("select completed || ' ' || pending from cascade.queue_counter"), "2 0");
}

constexpr auto uncounted = "select count(*) from cascade.arrived()";

TEST_F(recorder, what_arrived_is_counted_at_once_and_then_at_an_idle_moment) {
  settings.fold_every = 500ms;
  run();
  make_tasks(2);
  EXPECT_EQ(number(uncounted), 1);
  tell(sender, actor, uncounted_tasks{});
  round_trip();
  EXPECT_EQ(number(uncounted), 0);
  make_tasks(1);
  tell(sender, actor, uncounted_tasks{});
  round_trip();
  EXPECT_EQ(number(uncounted), 1);
  elapse(500ms);
  round_trip();
  EXPECT_EQ(number(uncounted), 0);
  EXPECT_EQ(value("select pending::text from cascade.queue_counter"), "3");
  EXPECT_EQ(batches(), 2);
  live(10s, 500ms);
  EXPECT_EQ(batches(), 2) << "an idle one writes nothing";
}

TEST_F(recorder, what_arrived_is_counted_after_whoever_changes_tasks_has_ended) {
  settings.fold_every = 500ms;
  run();
  make_tasks(2);
  auto other = database.connect();
  must(other.exec_text("begin; delete from cascade.task where id = 1"));
  tell(sender, actor, uncounted_tasks{});
  live(4s, 500ms);
  EXPECT_EQ(batches(), 1) << "it does not try again at once";
  EXPECT_EQ(number(uncounted), 1);
  must(other.exec_text("commit"));
  live(6s, 500ms);
  EXPECT_EQ(number(uncounted), 0);
  EXPECT_EQ(value("select pending::text from cascade.queue_counter"), "1");
}

}  // namespace
}  // namespace cascade
