// Counters equal a real count for every reader at any time: docs/adr/0004-counters.md.
// CASCADE_SEED repeats a random run.
#include <gmock/gmock.h>

#include <cstdlib>
#include <thread>

#include "tests/support/counter_differences.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using test::make_job;
using test::must;
using test::value_of;

struct counters : testing::Test {
  test::test_database database;
  pg::connection admin = database.connect();
  pg::connection reader = database.connect();
  dice random{test_seed()};

  std::size_t below(std::size_t n) { return random.below(n); }

  std::string wrong() { return value_of(reader, test::counter_differences); }
  static bool count(pg::connection& c) {
    const bool locked = must(c.exec(sql::lock_counters.text)).boolean(0, 0);
    must(c.exec(sql::count_arrivals.text));
    must(c.exec(sql::fold_counters.text));
    return locked;
  }
  static bool count_once(pg::connection& c) { return test::count_and_fold(c); }
};

// Somebody with transactions of his own, open for a while.
struct party {
  pg::connection connection;
  bool open = false;

  void run(const std::string& sql) {
    if (!open) must(connection.exec_text("begin"));
    open = true;
    must(connection.exec_text(sql));
  }
  void end(bool commit) {
    if (open) must(connection.exec_text(commit ? "commit" : "rollback"));
    open = false;
  }
};

// Producers insert, two writers and somebody with more rights change and delete rows, each one's own
// share of them, and the first writer counts, while the transactions of all others are open.
struct crowd {
  counters& test;
  std::vector<party> producers, changers;
  pg::connection counting;
  std::vector<std::int64_t> jobs;
  std::size_t moved = 0, refused = 0;

  explicit crowd(counters& t) : test(t), counting(t.database.connect("cascade_engine")) {
    for (int i = 0; i < 3; ++i) producers.push_back({t.database.connect("cascade_producer")});
    changers.push_back({t.database.connect("cascade_engine")});
    changers.push_back({t.database.connect("cascade_engine")});
    changers.push_back({t.database.connect()});
    must(t.admin.exec_text("select cascade.apply_workflow('w', '{}')"));
    for (int i = 0; i < 3; ++i) jobs.push_back(make_job(t.admin));
    must(t.admin.exec_text("insert into cascade.job (workflow) values ('w'), ('w')"));
    jobs.insert(jobs.end(), {jobs.back() + 1, jobs.back() + 2});
  }

  void insert(party& p) {
    const auto job = test.below(3) == 0 ? std::to_string(jobs[test.below(jobs.size())]) : "null";
    const auto insert =
        "insert into cascade.task (handler, queue, job_id, run_at) select 'noop', 'q" +
        std::to_string(test.below(2)) + "', " + job + ", now() + i * interval '" +
        std::to_string(test.below(2)) + " hour' from generate_series(1, " +
        std::to_string(1 + test.below(3)) + ") i";
    const bool rolled_back = test.below(4) == 0;
    p.run("savepoint s; " + insert + (rolled_back ? "; rollback to s" : ""));
  }

  void change(std::size_t who) {
    static constexpr const char* changes[] = {
        "update cascade.task set status = 'running', waiting_reason = null, started_at = now() "
        "where "
        "status <= 'pending'",
        "update cascade.task set status = (case when id % 2 = 0 then 'completed' else 'failed' "
        "end)::cascade.task_status, waiting_reason = null, started_at = now(), "
        "finished_at = now(), finished_on = cascade.today() where finished_on is null",
        "update cascade.task set status = 'waiting', waiting_reason = 'retry_backoff', xid = "
        "pg_current_xact_id() where status = 'running'",
        "update cascade.task set status = 'pending', waiting_reason = null, xid = '0' where status "
        "= "
        "'waiting'",
        "update cascade.task set status = 'pending', xid = pg_current_xact_id(), finished_at = "
        "null, "
        "finished_on = null where status = 'failed'",
        "update cascade.task set priority = 7 where finished_on is null",
        "delete from cascade.task where true",
    };
    const bool engine = who < 2;
    const std::size_t what = test.below(std::size(changes) - (engine ? 1 : 0));
    changers[who].run(std::string(changes[engine ? what : 6]) + " and id % 3 = " +
                      std::to_string(who) + " and (id / 3) % 4 = " + std::to_string(test.below(4)));
  }

  void step() {
    const std::size_t dice = test.below(12);
    if (dice < 3) return insert(producers[test.below(3)]);
    if (dice < 5) return producers[test.below(3)].end(test.below(4) != 0);
    if (dice < 8) return change(test.below(3));
    if (dice < 10) return changers[test.below(3)].end(test.below(4) != 0);
    ++(counters::count_once(counting) ? moved : refused);
  }
  void end() {
    for (auto* group : {&producers, &changers})
      for (party& p : *group) p.end(true);
  }
};

TEST_F(counters, equal_the_rows_whoever_has_open_transactions) {
  crowd c(*this);
  for (int i = 0; i < 1'500; ++i) {
    c.step();
    ASSERT_EQ(wrong(), "") << "after step " << i;
  }
  EXPECT_GT(c.moved, 0u) << "somebody was always in the way of counting";
  EXPECT_GT(c.refused, 0u) << "nobody was in the way of counting";
  c.end();
  EXPECT_TRUE(count_once(c.counting));
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(value_of(admin, "select count(*) from cascade.counter_delta"), "0");
  EXPECT_EQ(value_of(admin, "select count(*) from cascade.arrived()"), "0");
}

TEST_F(counters, go_wrong_without_the_lock_between_counting_and_changing) {
  must(admin.exec_text(R"(
    create or replace function cascade.hold_counter_point() returns pg_snapshot
      language sql volatile security definer as 'select p.counted_to from cascade.counter_point p')"));
  crowd c(*this);
  int steps = 0;
  while (wrong().empty() && ++steps < 20'000) c.step();
  EXPECT_LT(steps, 20'000) << "the test above could not fail";
  c.end();
}

// The lock is taken by the trigger, after the rows were changed: what is counted in between is seen.
TEST_F(counters, a_change_that_waits_for_the_count_knows_of_it) {
  auto engine = database.connect("cascade_engine"), other = database.connect();
  must(admin.exec_text("insert into cascade.task (handler) values ('noop')"));
  must(engine.exec_text("begin"));
  EXPECT_TRUE(count(engine));
  std::thread deleting([&] { must(other.exec_text("delete from cascade.task")); });
  while (value_of(admin,
                  "select count(*) from pg_locks where not granted and locktype = 'advisory' and "
                  "database = (select oid from pg_database where datname = current_database())") !=
         "1")
    std::this_thread::yield();
  must(engine.exec_text("commit"));
  deleting.join();
  EXPECT_EQ(wrong(), "");
}

TEST_F(counters, a_change_in_an_older_snapshot_than_the_count_is_refused) {
  auto engine = database.connect("cascade_engine"), other = database.connect();
  must(admin.exec_text("insert into cascade.task (handler) values ('noop'), ('noop')"));
  must(other.exec_text("begin isolation level repeatable read; select 1"));
  EXPECT_TRUE(count_once(engine));
  const auto r = other.exec_text("delete from cascade.task where id = 1");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().sqlstate, "40001");
  must(other.exec_text("rollback; begin isolation level serializable"));
  must(other.exec_text("delete from cascade.task where id = 1; commit"));
  EXPECT_EQ(wrong(), "");
}

TEST_F(counters, a_prepared_transaction_is_counted_when_it_is_committed) {
  auto engine = database.connect("cascade_engine");
  const std::string name = "'" + database.name() + "'";
  must(admin.exec_text(
      "begin; insert into cascade.task (handler) values ('noop'); prepare transaction " + name));
  EXPECT_TRUE(count_once(engine));
  EXPECT_EQ(wrong(), "");
  must(admin.exec_text("insert into cascade.task (handler) values ('noop')"));
  EXPECT_TRUE(count_once(engine));
  must(admin.exec_text("commit prepared " + name));
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(value_of(reader, "select pending from cascade.queue_stats"), "2");
  EXPECT_TRUE(count_once(engine));
  EXPECT_EQ(value_of(reader, "select pending from cascade.queue_counter"), "2");
  EXPECT_EQ(wrong(), "");
}

}  // namespace
}  // namespace cascade
