// Changes of priority on their way from their rows to the scheduler and the rows of the tasks.
#include "tests/db/propagator_fixture.hpp"

namespace cascade {
namespace {

struct propagator : propagator_fixture {};

// -- tiers ----------------------------------------------------------------------------------------

TEST_F(propagator, a_high_priority_counts_at_once_and_the_change_goes_with_it) {
  run();
  make_tasks(2);
  change("select cascade.set_task_priority(2, 90)");
  EXPECT_EQ(told(), "2=90");
  EXPECT_EQ(synced, 1) << "the scheduler must know the task before";
  EXPECT_EQ(priority(2), "90");
  EXPECT_EQ(priority(1), "50");
  EXPECT_EQ(waiting(), "0");
  EXPECT_EQ(shown()["written"], 1);
}

TEST_F(propagator, lesser_ones_wait_in_their_table_until_it_is_quiet) {
  run();
  make_tasks(2);
  change("select cascade.set_task_priority(1, 40), cascade.set_task_priority(2, 10)");
  EXPECT_EQ(shown()["waiting_medium"], 1);
  EXPECT_EQ(shown()["waiting_low"], 1);
  pass(4s);
  EXPECT_EQ(told(), "");
  EXPECT_EQ(waiting(), "2");
  pass(2s);
  EXPECT_EQ(told(), "1=40");
  EXPECT_EQ(priority(1), "40");
  EXPECT_EQ(waiting(), "1");
  pass(23s);
  EXPECT_EQ(told(), "");
  pass(2s);
  EXPECT_EQ(told(), "2=10");
  EXPECT_EQ(waiting(), "0");
}

TEST_F(propagator, of_many_changes_of_a_task_one_is_written) {
  run();
  make_tasks(1);
  for (int i = 0; i < 20; ++i)
    change("select cascade.set_task_priority(1, " + std::to_string(30 + i) + ")");
  pass(6s);
  EXPECT_EQ(told(), "1=49");
  EXPECT_EQ(shown()["received"], 20);
  EXPECT_EQ(shown()["coalesced"], 19);
  EXPECT_EQ(shown()["written"], 1);
  EXPECT_EQ(waiting(), "0");
}

TEST_F(propagator, what_is_so_already_is_not_written) {
  run();
  make_tasks(1);
  const auto row = "select ctid::text || xmin from cascade.task where id = 1";
  const auto before = value(row);
  change("select cascade.set_task_priority(1, 50)");
  EXPECT_EQ(value(row), before);
  EXPECT_EQ(told(), "");
  EXPECT_EQ(shown()["no_op"], 1);
  EXPECT_EQ(waiting(), "0");
}

TEST_F(propagator, a_finished_task_keeps_its_priority) {
  run();
  make_task({.status = "completed"});
  change("select cascade.set_task_priority(1, 90)");
  EXPECT_EQ(priority(1), "50");
  EXPECT_EQ(waiting(), "0");
}

// -- transactions ---------------------------------------------------------------------------------

TEST_F(propagator, what_is_rolled_back_never_was) {
  run();
  make_tasks(1);
  must(other.exec_text("begin; select cascade.set_task_priority(1, 90); rollback"));
  tell_of_changes();
  EXPECT_EQ(told(), "");
  EXPECT_EQ(shown()["received"], 0);
}

TEST_F(propagator, a_change_that_is_committed_late_is_found_and_counts_last) {
  run();
  make_tasks(1);
  must(other.exec_text("begin; select cascade.set_task_priority(1, 80)"));
  change("select cascade.set_task_priority(1, 90)");
  EXPECT_EQ(priority(1), "90");
  must(other.exec_text("commit"));
  tell_of_changes();
  EXPECT_EQ(priority(1), "80");
  EXPECT_EQ(told(), "1=90 1=80");
  EXPECT_EQ(waiting(), "0");
}

TEST_F(propagator, of_two_that_wait_the_one_that_was_asked_for_later_counts) {
  run();
  make_tasks(1);
  must(other.exec_text("begin; select cascade.set_task_priority(1, 20)"));
  change("select cascade.set_task_priority(1, 25)");
  must(other.exec_text("commit"));
  tell_of_changes();
  pass(31s);
  EXPECT_EQ(priority(1), "25");
  EXPECT_EQ(waiting(), "0");
}

TEST_F(propagator, a_row_that_somebody_changes_is_waited_for_by_nobody) {
  run();
  make_tasks(2);
  must(other.exec_text("begin; update cascade.task set progress_text = 'x' where id = 1"));
  change("select cascade.set_task_priority(1, 90), cascade.set_task_priority(2, 90)");
  EXPECT_EQ(priority(2), "90");
  EXPECT_EQ(priority(1), "50");
  EXPECT_EQ(waiting(), "1") << "nothing is lost if the service ends now";
  pass(200ms);
  EXPECT_EQ(waiting(), "1");
  must(other.exec_text("commit"));
  pass(200ms);
  EXPECT_EQ(priority(1), "90");
  EXPECT_EQ(waiting(), "0");
}

TEST_F(propagator, a_poll_finds_what_nobody_told_of) {
  run();
  make_tasks(1);
  run_sql("select cascade.set_task_priority(1, 90)");
  pass(20s);
  EXPECT_EQ(priority(1), "50");
  pass(20s);
  EXPECT_EQ(priority(1), "90");
}

// -- losing everything ----------------------------------------------------------------------------

TEST_F(propagator, what_waits_is_there_after_a_restart_and_does_not_wait_anew) {
  make_tasks(2);
  run_sql(
      "select cascade.set_task_priority(1, 10), cascade.set_task_priority(2, 10);"
      "update cascade.priority_change set created_at = now() - interval '29 seconds' where id = 1");
  run();
  EXPECT_EQ(shown()["waiting_low"], 2);
  lose_connection();
  own();
  rest();
  pass(2s);
  EXPECT_EQ(priority(1), "10");
  EXPECT_EQ(priority(2), "50");
  pass(30s);
  EXPECT_EQ(priority(2), "10");
  EXPECT_EQ(waiting(), "0");
}

TEST_F(propagator, a_lost_connection_loses_nothing_that_was_under_way) {
  run();
  make_tasks(1);
  run_sql("select cascade.set_task_priority(1, 90)");
  tell(inbox, actor, priorities_changed{});
  settle();
  lose_connection();
  reconnect();
  rest();
  EXPECT_EQ(priority(1), "90");
  EXPECT_EQ(waiting(), "0");
}

TEST_F(propagator, a_standby_leaves_it_to_the_owner) {
  connect();
  recorder = keep(spawn_recorder(sys, context(), gateway));
  actor = keep(spawn_propagator(sys, context(), {gateway, recorder, scheduler.actor, inbox}));
  make_tasks(1);
  run_sql("select cascade.set_task_priority(1, 90)");
  tell(inbox, actor, priorities_changed{});
  elapse(1h);
  EXPECT_EQ(ask<description>(actor, describe{})->state, "standby");
  EXPECT_EQ(waiting(), "1");
}

// -- jobs -----------------------------------------------------------------------------------------

TEST_F(propagator, a_job_hands_its_priority_to_its_unfinished_tasks_in_pieces) {
  const auto job = test::make_job(admin);
  make_tasks(2'500, std::to_string(job));
  make_tasks(1);
  run();
  change("select cascade.set_priority(1, 90)");
  EXPECT_EQ(told(), "job 1=90");
  EXPECT_EQ(value("select priority from cascade.job where id = 1"), "90");
  EXPECT_EQ(value("select count(*) from cascade.task where priority = 90"), "2500");
  EXPECT_EQ(priority(2'501), "50");
  EXPECT_EQ(waiting(), "0");
  EXPECT_EQ(shown()["settlements"], 1 + 3 + 1) << "the job, its tasks, the change";
}

TEST_F(propagator, a_task_keeps_what_it_was_given_while_its_job_is_being_written) {
  settings.batch_rows_max = 10;
  const auto job = test::make_job(admin);
  make_tasks(40, std::to_string(job));
  run();
  run_sql("select cascade.set_priority(1, 80)");
  tell(inbox, actor, priorities_changed{});
  until([this] { return value("select count(*) from cascade.task where priority = 80") != "0"; });
  change("select cascade.set_task_priority(40, 95), cascade.set_task_priority(1, 50)");
  pass(10s);
  EXPECT_EQ(value("select count(*) from cascade.task where priority = 80"), "38");
  EXPECT_EQ(priority(40), "95");
  EXPECT_EQ(priority(1), "50");
  EXPECT_EQ(waiting(), "0");
}

TEST_F(propagator, what_is_raised_along_is_written_along) {
  make_tasks(3);
  run();
  scheduler.raises = {{task_id{1}, {}, 90}, {task_id{3}, {}, 90}};
  change("select cascade.set_task_priority(2, 90)");
  EXPECT_EQ(value("select string_agg(priority::text, ' ' order by id) from cascade.task"),
            "90 90 90");
  EXPECT_EQ(shown()["raised"], 2);
}

// -- storms ---------------------------------------------------------------------------------------

TEST_F(propagator, a_storm_of_changes_is_a_few_statements) {
  const char* given = std::getenv("CASCADE_TEST_ROWS");
  const int n = given != nullptr ? std::max(1'000, std::atoi(given)) : 100'000;
  make_tasks(n);
  run();
  const auto statements = [this] {
    std::uint64_t all = 0;
    for (int i = 0; i < writers(); ++i)
      all += port->writer(static_cast<std::size_t>(i))->counters().statements.load();
    return all + shown()["reads"].get<std::uint64_t>();
  };
  const auto before = statements();
  change(
      "insert into cascade.priority_change (task_id, priority) "
      "select i, case when i % 5 = 0 then 90 else 50 end from generate_series(1, " +
      std::to_string(n) + ") i");
  EXPECT_EQ(value("select count(*) from cascade.task where priority = 90"), std::to_string(n / 5));
  EXPECT_EQ(waiting(), "0");
  EXPECT_EQ(shown()["received"], n);
  EXPECT_EQ(shown()["no_op"], n - n / 5);
  EXPECT_EQ(shown()["written"], n / 5);
  EXPECT_LE(statements() - before, static_cast<std::uint64_t>(n) / 100 + 10);
  RecordProperty("statements", std::to_string(statements() - before));
}

}  // namespace
}  // namespace cascade
