// Rounds of the reconciler in SQL: what is wrong is repaired and told once, and nothing is wrong
// whatever else happens. docs/adr/0010-reconciler.md
#include "tests/db/reconcile_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

using test::finish;
using test::must;
using test::page_bytes;
using test::reconcile_round;
using test::redrive;
using test::value_of;

constexpr std::int64_t a_day = 24 * 3600;

struct reconcile : testing::Test {
  test::test_database database;
  pg::connection admin = database.connect();
  pg::connection engine = database.connect("cascade_engine");

  void run(const std::string& sql) { must(admin.exec_text(sql)); }
  void run_engine(const std::string& sql) { must(engine.exec_text(sql)); }
  std::string wrong() { return value_of(admin, test::counter_differences); }
  std::vector<std::string> round(std::int64_t remember_s = 0) {
    return test::reconcile(database, 16 << 20, remember_s);
  }
  void days(int ago) {
    run("select cascade.make_partition(cascade.today() - i) from generate_series(2, " +
        std::to_string(ago) + ") i");
  }
};

TEST_F(reconcile, repairs_drift_of_any_size_in_any_counter_and_tells_it_once) {
  test::make_counted_tasks(admin, 60);
  EXPECT_THAT(round(), IsEmpty());
  run("update cascade.job_counter set pending = pending + 1 where job_id = 1;"
      "update cascade.job_counter set waiting = waiting - 1, skipped = 1000 where job_id = 4;"
      "delete from cascade.job_counter where job_id = 3;"
      "update cascade.queue_counter set completed = completed - 1000 where queue = 'q1';"
      "insert into cascade.queue_counter (queue, failed) values ('nobody', 17);"
      "update cascade.workflow_counter set running = running + 1000 where workflow = 'w';"
      "update cascade.workflow_counter set cancelled = -1 where workflow = 'v';");
  EXPECT_NE(wrong(), "");
  EXPECT_THAT(round(), UnorderedElementsAre("job 1 pending 1", "job 4 waiting -1",
                                            "job 4 skipped 1000", "job 3 pending -60",
                                            "queue q1 completed -1000", "queue nobody failed 17",
                                            "workflow w running 1000", "workflow v cancelled -1"));
  EXPECT_EQ(wrong(), "");
  EXPECT_THAT(round(), IsEmpty());
  test::count_and_fold(engine);
  EXPECT_EQ(wrong(), "");
  EXPECT_THAT(round(), IsEmpty());
  EXPECT_EQ(value_of(admin, "select count(*)::text from cascade.counter_repair"), "8");
  EXPECT_EQ(value_of(admin, "select rounds || ' ' || repairs from cascade.reconciliation"), "4 8");
}

TEST_F(reconcile, counts_a_delta_that_was_lost_or_made_up_for_all_that_it_belonged_to) {
  test::make_counted_tasks(admin, 10);
  run("insert into cascade.counter_delta (job_id, queue, status, n) values (1, 'q1', 'failed', 2)");
  EXPECT_THAT(round(),
              UnorderedElementsAre("job 1 failed 2", "queue q1 failed 2", "workflow w failed 2"));
  test::count_and_fold(engine);
  run_engine(finish("id = 4"));
  run("delete from cascade.counter_delta");
  EXPECT_THAT(round(), UnorderedElementsAre("job 4 pending 1", "job 4 completed -1",
                                            "queue q1 pending 1", "queue q1 completed -1"));
  EXPECT_EQ(wrong(), "");
}

TEST_F(reconcile, counts_rows_that_were_changed_behind_the_triggers_back) {
  test::make_counted_tasks(admin, 10);
  run("set session_replication_role = replica;"
      "delete from cascade.task where id in (1, 6, 10);"
      "set session_replication_role = origin;"
      "insert into cascade.task (handler, queue, job_id, status, started_at, finished_at, "
      "finished_on) values ('noop', 'q0', 4, 'failed', now(), now(), cascade.today())");
  EXPECT_THAT(round(), UnorderedElementsAre("job 1 pending 2", "job 4 failed -1",
                                            "queue q0 pending 1", "queue q0 failed -1",
                                            "queue q1 pending 2", "workflow w pending 2"));
  EXPECT_EQ(wrong(), "");
  run("update cascade.counter_point set counted_to = pg_current_snapshot()");
  EXPECT_THAT(round(), IsEmpty()) << "everything was counted";
  run("insert into cascade.task (handler, queue) values ('noop', 'q0')");
  run("update cascade.counter_point set counted_to = pg_current_snapshot()");
  EXPECT_THAT(round(), ElementsAre("queue q0 pending -1"));
}

// Rows are counted one page after the other while others change them.
void change_between(reconcile& t, reconcile_round& round) {
  EXPECT_TRUE(round.step());
  t.run_engine(finish("id % 3 = 0"));
  t.run(
      "insert into cascade.task (handler, queue, job_id) select 'noop', 'q0', 1 from "
      "generate_series(1, 50)");
  EXPECT_TRUE(round.step());
  EXPECT_TRUE(test::count_and_fold(t.engine));
  t.run_engine(finish("id % 3 = 1", "failed"));
  EXPECT_TRUE(round.step());
  t.run_engine(redrive("id % 6 = 1"));
  t.run("delete from cascade.task where id % 10 = 5");
  EXPECT_TRUE(test::count_and_fold(t.engine));
  while (round.step()) continue;
}

TEST_F(reconcile, finds_nothing_wrong_when_everything_changes_between_its_steps) {
  test::make_counted_tasks(admin, 100);
  reconcile_round round(database);
  round.begin(page_bytes);
  change_between(*this, round);
  must(round.connection().exec_text("commit"));
  EXPECT_THAT(round.repairs, IsEmpty());
  EXPECT_GT(round.steps, 8);
  EXPECT_EQ(wrong(), "");
}

TEST_F(reconcile, goes_wrong_without_one_snapshot_and_therefore_refuses_to) {
  test::make_counted_tasks(admin, 100);
  reconcile_round round(database);
  round.open("read committed");
  EXPECT_THROW(round.plan(page_bytes), std::runtime_error);
  must(round.connection().exec_text("rollback"));
  run("do $$ begin execute replace(pg_get_functiondef('cascade.begin_reconciling'::regproc), "
      "'<> ''repeatable read''', '= ''none'''); end $$");
  round.open("read committed");
  round.plan(page_bytes);
  change_between(*this, round);
  must(round.connection().exec_text("rollback"));
  EXPECT_THAT(round.repairs, Not(IsEmpty())) << "the test above could not fail";
}

// Truncating is the one change that a snapshot does not shield from.
TEST_F(reconcile, keeps_a_day_from_being_emptied_under_it) {
  days(20);
  test::make_counted_tasks(admin, 10);
  run_engine(finish("id % 10 = 0", "completed", "20"));  // they have no job
  const std::string empty = "select cascade.empty_day(cascade.today() - 20)";
  reconcile_round without(database);
  without.open();
  without.plan();
  must(admin.exec(empty));
  while (without.step()) continue;
  EXPECT_THAT(without.repairs, Not(IsEmpty())) << "the lock is not needed";
  must(without.connection().exec_text("rollback"));
  EXPECT_EQ(wrong(), "");

  run_engine(finish("job_id is null", "completed", "20"));
  reconcile_round with(database);
  with.begin();
  const auto refused = admin.exec(empty);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "55P03");
  with.end();
  EXPECT_THAT(with.repairs, IsEmpty());
  must(admin.exec(empty));
  EXPECT_THAT(round(), IsEmpty());
}

TEST_F(reconcile, holds_nobody_up) {
  days(3);
  test::make_counted_tasks(admin, 10);
  reconcile_round round(database);
  round.begin();
  for (int i = 0; i < 2; ++i) {
    run("set statement_timeout = '5s'");
    run("insert into cascade.job (workflow) values ('w')");
    run("insert into cascade.task (handler, queue, job_id) values ('noop', 'q0', 1)");
    run_engine("set statement_timeout = '5s'");
    run_engine(finish("id = " + std::to_string(1 + i), "failed", "3"));
    run_engine(redrive("true"));
    EXPECT_TRUE(test::count_and_fold(engine));
    run("select cascade.make_partition(cascade.today() + 100 + " + std::to_string(i) + ")");
    if (i == 0)
      while (round.step()) continue;
  }
  must(round.connection().exec_text("commit"));
  EXPECT_THAT(round.repairs, IsEmpty());
}

TEST_F(reconcile, two_rounds_at_once_do_not_repair_the_same_twice) {
  test::make_counted_tasks(admin, 10);
  run("update cascade.queue_counter set pending = pending + 5 where queue = 'q0'");
  reconcile_round first(database), second(database);
  second.open();
  must(second.connection().exec("select 1"));  // its snapshot
  first.begin();
  first.end();
  EXPECT_THAT(first.repairs, ElementsAre("queue q0 pending 5"));
  const auto late =
      second.connection().exec(sql::begin_reconciling.text, pg::params{}.int8(page_bytes).int8(0));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().sqlstate, "40001");
  must(second.connection().exec_text("rollback"));
  second.begin();
  second.end();
  EXPECT_THAT(second.repairs, IsEmpty());
  EXPECT_EQ(wrong(), "");
}

TEST_F(reconcile, a_step_reads_no_more_than_its_slice_however_large_a_job_is) {
  run("insert into cascade.job default values;"
      "insert into cascade.task (handler, job_id) select 'noop', 1 from generate_series(1, 3000)");
  test::count_and_fold(engine);
  reconcile_round round(database);
  round.begin(page_bytes);
  round.end();
  EXPECT_EQ(round.tasks, 3000);
  EXPECT_LT(round.tasks_most, 150);
  run("insert into cascade.job (workflow) select null from generate_series(2, 9)");
  reconcile_round jobs(database);
  jobs.begin(page_bytes);
  jobs.end();
  EXPECT_EQ(jobs.steps - round.steps, 4) << "two jobs a step";
  run("update cascade.job_counter set pending = 2 where job_id = 1");
  EXPECT_THAT(test::reconcile(database, page_bytes), ElementsAre("job 1 pending -2998"));
}

TEST_F(reconcile, remembers_days_that_are_over_and_repairs_nothing_by_that) {
  days(9);
  test::make_counted_tasks(admin, 20);
  run_engine(finish("id % 2 = 0", "failed", "3 + id % 5"));
  reconcile_round first(database), again(database);
  first.begin(16 << 20, a_day);
  first.end();
  again.begin(16 << 20, a_day);
  again.end();
  EXPECT_EQ(first.tasks, 100);
  EXPECT_EQ(again.tasks, 50);
  run_engine(redrive("id % 4 = 0"));
  reconcile_round redriven(database);
  redriven.begin(16 << 20, a_day);
  redriven.end();
  EXPECT_THAT(redriven.repairs, IsEmpty()) << "a task of such a day was tried again";
  EXPECT_GT(redriven.tasks, 50) << "and its day was counted again";
  run("update cascade.job_counter set failed = failed + 3 where job_id = 2;"
      "update cascade.workflow_counter set failed = failed - 3 where workflow = 'v'");
  EXPECT_THAT(round(a_day), UnorderedElementsAre("job 2 failed 3", "workflow v failed -3"));
  EXPECT_THAT(round(a_day), IsEmpty());
  EXPECT_EQ(wrong(), "");
}

TEST_F(reconcile, a_round_that_is_committed_half_way_leaves_nothing_that_is_believed) {
  days(5);
  test::make_counted_tasks(admin, 20);
  run_engine(finish("id % 2 = 0", "completed", "5"));
  reconcile_round half(database);
  half.begin(page_bytes, a_day);
  EXPECT_TRUE(half.step());
  must(half.connection().exec_text("commit"));
  EXPECT_THAT(round(a_day), IsEmpty());
  EXPECT_THAT(round(a_day), IsEmpty());
}

TEST_F(reconcile, what_it_remembers_ends_with_the_day_and_with_time) {
  days(9);
  test::make_counted_tasks(admin, 20);
  run_engine(finish("job_id is null", "failed", "9"));
  run_engine(finish("job_id = 1", "failed", "8"));
  EXPECT_THAT(round(a_day), IsEmpty());
  run("select cascade.empty_day(cascade.today() - 9)");
  reconcile_round emptied(database);
  emptied.begin(16 << 20, a_day);
  emptied.end();
  EXPECT_THAT(emptied.repairs, IsEmpty());
  EXPECT_EQ(emptied.tasks, 60) << "the other day was not counted again";
  EXPECT_EQ(value_of(admin, "select sum(n)::text from cascade.day_count where queue is not null"),
            "20");
  run("set session_replication_role = replica; delete from cascade.task where id = 1;"
      "set session_replication_role = origin");
  EXPECT_THAT(round(a_day), IsEmpty()) << "it was not looked at";
  run("update cascade.counted_day set counted_at = counted_at - interval '1 day'");
  EXPECT_THAT(round(a_day),
              UnorderedElementsAre("job 1 failed 1", "queue q1 failed 1", "workflow w failed 1"));
}

TEST_F(reconcile, a_job_that_retention_deletes_leaves_its_workflow_right) {
  days(20);
  test::make_counted_tasks(admin, 10);
  run_engine(finish("job_id = 1", "failed", "20"));
  run_engine(
      "update cascade.job set status = 'failed', finished_at = now() - interval '20 days' where id "
      "= 1");
  EXPECT_EQ(wrong(), "");
  for (const bool folded : {false, true}) {
    if (folded) test::count_and_fold(engine);
    EXPECT_EQ(value_of(admin, "select cascade.retention_step(14)"), "");
    EXPECT_EQ(wrong(), "") << folded;
    EXPECT_THAT(round(), IsEmpty()) << folded;
  }
  test::count_and_fold(engine);
  EXPECT_EQ(wrong(), "");
  run("insert into cascade.counter_repair (repaired_at, kind, name, status, off_by) values "
      "(now() - interval '20 days', 'queue', 'old', 'failed', 1), (now(), 'queue', 'new', "
      "'failed', 1)");
  EXPECT_EQ(value_of(admin, "select cascade.retention_step(14)"), "");
  EXPECT_EQ(value_of(admin, "select string_agg(name, ' ') from cascade.counter_repair"), "new");
}

}  // namespace
}  // namespace cascade
