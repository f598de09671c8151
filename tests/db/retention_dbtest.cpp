// Where finished tasks go (partitions by day), and how they leave. docs/adr/0006-finished-tasks.md
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "actors/retention.hpp"
#include "tests/support/database_test.hpp"

namespace cascade {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct retention : database_test {
  retention_actor actor;
  pg::connection other = database.connect();

  retention() {
    settings.retention_days = 14;
    settings.retention_every = 1h;
    pin_day(value("select cascade.today()"));
  }
  ~retention() override { end_database(); }

  void run() {
    own();
    actor = keep(spawn_retention(sys, context(), gateway));
  }
  // A test that runs over midnight keeps its day, and finds the partitions of that day.
  void pin_day(const std::string& day) {
    run_sql("create or replace function cascade.today() returns date language sql stable return '" +
            day + "'::date");
    run_sql("select cascade.make_partitions()");
  }
  void run_engine(const std::string& text) { must(database.connect("cascade_engine").exec(text)); }
  nlohmann::json shown() {
    return nlohmann::json::parse(ask<description>(actor, describe{})->detail);
  }
  void until_rounds(const char* which, int n) {
    until([&] { return shown()[which] >= n; });
  }
  // Tasks that ended `days` ago, in a partition of their own.
  void old_tasks(int days, int n, const std::string& job = "null",
                 const char* state = "completed") {
    const std::string day = "cascade.today() - " + std::to_string(days);
    run_sql("select cascade.make_partition(" + day + ")");
    const std::string ago = "now() - interval '" + std::to_string(days) + " days'";
    run_sql(
        "with old as (insert into cascade.task (handler, queue, job_id, status, started_at, "
        "finished_at, finished_on) select 'noop', 'old', " +
        job + ", '" + state + "', " + ago + ", " + ago + ", " + day + " from generate_series(1, " +
        std::to_string(n) +
        ") returning job_id, queue, status) "
        "insert into cascade.counter_delta (job_id, queue, status, n) "
        "select job_id, queue, status, 1 from old");
  }
  std::string partition(int days) {
    return value("select coalesce(to_regclass('cascade.task_' || to_char(cascade.today() - " +
                 std::to_string(days) + ", 'YYYYMMDD'))::text, 'none')");
  }
  std::string where_is(task_id id) {
    return value("select tableoid::regclass::text from cascade.task where id = " +
                 std::to_string(id.value));
  }
  std::string stats(const std::string& queue) {
    return value("select completed || ' ' || failed from cascade.queue_stats where queue = '" +
                 queue + "'");
  }
};

TEST_F(retention, a_task_that_ends_moves_to_its_day_and_back_when_it_is_redriven) {
  const task_id id = make_task({.status = "pending"});
  EXPECT_EQ(where_is(id), "cascade.task_unfinished");
  const std::vector<std::int64_t> ids{id.value};
  const auto one = [](const char* text) { return std::vector<std::string>{text}; };
  auto engine = database.connect("cascade_engine");
  must(engine.exec(
      sql::settle_unrun.text,
      pg::params{}.int8s(ids).texts(one("failed")).texts(one("no")).texts(one("null"))));
  EXPECT_EQ(where_is(id), partition(0));
  EXPECT_EQ(stats("default"), "0 1");
  must(engine.exec(sql::redrive_tasks.text, pg::params{}.int8s(ids)));
  EXPECT_EQ(where_is(id), "cascade.task_unfinished");
  EXPECT_EQ(stats("default"), "0 0");
  EXPECT_EQ(value("select count(*) from cascade.engine_task"), "1");
}

TEST_F(retention, partitions_are_made_a_week_ahead_and_once) {
  EXPECT_NE(partition(-7), "none") << "by the migration";
  pin_day(value("select cascade.today() + 100"));
  EXPECT_NE(partition(-7), "none");
  EXPECT_EQ(partition(-8), "none");
  EXPECT_EQ(value("select cascade.make_partitions()"), "0");
  run_sql("drop table cascade.task_" + value("select to_char(cascade.today() + 3, 'YYYYMMDD')"));
  run();
  until_rounds("rounds", 1);
  EXPECT_NE(partition(-3), "none");
}

TEST_F(retention, days_that_are_too_old_go_and_the_counters_follow) {
  old_tasks(16, 100);
  old_tasks(15, 10, "null", "failed");
  old_tasks(14, 7);
  EXPECT_EQ(stats("old"), "107 10");
  run();
  until_rounds("rounds", 1);
  EXPECT_EQ(partition(16), "none");
  EXPECT_EQ(partition(15), "none");
  EXPECT_NE(partition(14), "none");
  EXPECT_EQ(stats("old"), "7 0");
  EXPECT_EQ(value("select count(*) from cascade.tasks where queue = 'old'"), "7");
  EXPECT_EQ(value("select count(*) from pg_class where relname ~ '^attempt_log_[0-9]{8}$'"),
            value("select count(*) from pg_class where relname ~ '^task_[0-9]{8}$'"));
}

TEST_F(retention, nothing_goes_when_everything_is_kept) {
  settings.retention_days = 0;
  old_tasks(4000, 3);
  run();
  until_rounds("rounds", 1);
  EXPECT_EQ(stats("old"), "3 0");
}

TEST_F(retention, a_job_goes_with_its_tasks_and_keeps_them_until_it_ends) {
  run_sql("insert into cascade.job (keep_open) values (true), (true)");
  old_tasks(20, 5, "1");
  old_tasks(19, 6, "2");
  run_engine(
      "update cascade.job set status = 'completed', finished_at = now() - interval '19 days' "
      "where id = 1");
  run();
  until_rounds("rounds", 1);
  EXPECT_EQ(value("select string_agg(id::text, ' ') from cascade.job"), "2");
  EXPECT_EQ(partition(20), "none");
  EXPECT_NE(partition(19), "none");
  EXPECT_EQ(value("select completed from cascade.jobs where id = 2"), "6");
  EXPECT_EQ(value("select coalesce(string_agg(distinct job_id::text, ' '), 'none') from "
                  "cascade.counter_delta where job_id = 1"),
            "1")
      << "what was not folded before";
  run_engine("update cascade.job set status = 'completed', finished_at = now() where id = 2");
  elapse(1h);
  until_rounds("rounds", 2);
  EXPECT_EQ(partition(19), "none");
  EXPECT_EQ(value("select completed from cascade.jobs where id = 2"), "0") << "those of old days";
  EXPECT_EQ(stats("old"), "0 0");
}

TEST_F(retention, what_an_old_reader_holds_up_is_done_a_minute_later) {
  old_tasks(16, 10);
  must(other.exec_text("begin; select count(*) from cascade.tasks"));
  run();
  until_rounds("rounds_failed", 1);
  EXPECT_THAT(std::string(shown()["last_problem"]), HasSubstr("lock"));
  EXPECT_EQ(stats("old"), "10 0");
  must(other.exec_text("rollback"));
  elapse(1min);
  until_rounds("rounds", 1);
  EXPECT_EQ(partition(16), "none");
  EXPECT_EQ(stats("old"), "0 0");
  EXPECT_THAT(std::string(shown()["last_problem"]), IsEmpty());
}

// A transaction that inserted and stays open keeps a partition from being detached; nobody waits
// for that but the retention itself.
TEST_F(retention, an_open_transaction_of_a_producer_holds_nobody_up) {
  old_tasks(16, 10);
  must(other.exec_text("begin; insert into cascade.task (handler) values ('noop')"));
  run();
  until_rounds("rounds_failed", 1);
  EXPECT_EQ(stats("old"), "0 0");
  auto third = database.connect();
  must(third.exec_text("set statement_timeout = '5s'"));
  must(third.exec_text("insert into cascade.task (handler) values ('noop')"));
  must(third.exec_text("select count(*) from cascade.tasks"));
  must(other.exec_text("commit"));
  elapse(1min);
  until_rounds("rounds", 1);
  EXPECT_EQ(partition(16), "none");
  EXPECT_EQ(value("select count(*) from cascade.task"), "2");
}

TEST_F(retention, a_lost_connection_ends_the_round_and_the_next_one_finishes) {
  old_tasks(16, 10);
  must(other.exec_text("begin; lock table cascade.task_unfinished"));
  must(other.exec_text("lock table cascade.job"));
  run();
  until([&] { return waits_for_a_lock("retention") || shown()["rounds_failed"] > 0; });
  end_sessions("retention");
  until_rounds("rounds_failed", 1);
  must(other.exec_text("rollback"));
  elapse(1min);
  until_rounds("rounds", 1);
  EXPECT_EQ(partition(16), "none");
}

TEST_F(retention, a_standby_leaves_it_to_the_owner) {
  old_tasks(16, 10);
  connect();
  actor = keep(spawn_retention(sys, context(), gateway));
  elapse(3h);
  EXPECT_EQ(ask<description>(actor, describe{})->state, "standby");
  EXPECT_NE(partition(16), "none");
  announce(take_over());
  until_rounds("rounds", 1);
  EXPECT_EQ(partition(16), "none");
}

}  // namespace
}  // namespace cascade
