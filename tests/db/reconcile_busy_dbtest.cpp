// While producers, the engine and the folding are at work, rounds find nothing to repair, and what
// was injected is found all the same. CASCADE_SEED repeats the choices, though not the timing.
#include "tests/db/reconcile_fixture.hpp"

#include <atomic>
#include <random>
#include <thread>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using test::finish;
using test::must;
using test::page_bytes;
using test::redrive;
using test::value_of;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t a_day = 24 * 3600;

struct reconcile_busy : testing::Test {
  test::test_database database;
  pg::connection admin = database.connect();
  std::atomic<bool> over{false};
  std::atomic<int> changes{0}, refused{0};
  std::uint64_t seed = test_seed();
  std::vector<std::thread> threads;

  ~reconcile_busy() override { stop(); }
  void stop() {
    over = true;
    for (auto& t : threads) t.join();
    threads.clear();
  }
  // Somebody who does one thing after the other. What the database refuses as a conflict is rolled
  // back, as the recorder does.
  template <class F>
  void start(const std::string& role, F next) {
    threads.emplace_back([this, role, next, mine = seed + threads.size()] {
      std::mt19937_64 random(mine);
      auto c = database.connect(role);
      while (!over) {
        const auto done = next(c, random);
        if (done)
          ++changes;
        else if (done.error().sqlstate == "40001")
          ++refused;
        else
          ADD_FAILURE() << pg::to_string(done.error());
      }
    });
  }
  void start_producer() {
    start("cascade_producer", [](pg::connection& c, auto& random) {
      const std::string job = random() % 3 == 0 ? "null" : std::to_string(1 + random() % 4);
      return c.exec_text(
          "begin; insert into cascade.task (handler, queue, job_id, run_at) select 'noop', 'q' || "
          "i, " +
          job + ", now() + i * interval '1 hour' from generate_series(0, 2) i; " +
          (random() % 4 == 0 ? "rollback" : "commit"));
    });
  }
  // Each has its share of the tasks, as each lane has one owner.
  void start_engine(int share) {
    start("cascade_engine", [share](pg::connection& c, auto& random) {
      const std::string mine =
          "id % 2 = " + std::to_string(share) + " and id % 7 = " + std::to_string(random() % 7);
      switch (random() % 6) {
        case 0:
        case 1:  // today, or a day that is remembered
          return c.exec_text(
              finish(mine, random() % 2 == 0 ? "completed" : "failed", "3 * (id % 2)"));
        case 2:
          return c.exec_text(finish(mine + " and status <= 'pending'", "cancelled"));
        case 3:
          return c.exec_text(redrive(mine));
        case 4:
          return c.exec_text(
              "update cascade.task set status = 'waiting', waiting_reason = 'retry_backoff', "
              "xid = pg_current_xact_id() where status = 'running' and " +
              mine);
        default:
          return c.exec_text(
              "update cascade.task set status = 'running', waiting_reason = null, started_at = "
              "now() where status <= 'pending' and " +
              mine);
      }
    });
  }
  void start_folding() {
    start("cascade_engine", [](pg::connection& c, auto&) {
      test::count_and_fold(c);
      return c.exec_text("select 1");
    });
  }
  void start_everybody() {
    must(admin.exec("select cascade.make_partition(cascade.today() - 3)"));
    test::make_counted_tasks(admin, 100);
    start_producer();
    start_producer();
    start_engine(0);
    start_engine(1);
    start_folding();
  }
  std::string wrong() { return value_of(admin, test::counter_differences); }
};

TEST_F(reconcile_busy, nothing_is_repaired_while_everybody_works) {
  start_everybody();
  for (int i = 0; i < 16; ++i)
    EXPECT_THAT(test::reconcile(database, 16 * page_bytes, i % 2 == 0 ? a_day : 0), IsEmpty())
        << "round " << i;
  stop();
  EXPECT_EQ(wrong(), "");
  EXPECT_THAT(test::reconcile(database), IsEmpty());
  EXPECT_EQ(value_of(admin, "select count(*)::text from cascade.counter_repair"), "0");
  EXPECT_GT(changes.load(), 100);
  std::printf("%d changes, %d refused\n", changes.load(), refused.load());
}

TEST_F(reconcile_busy, what_is_injected_is_repaired_in_the_next_round_and_once) {
  start_everybody();
  const struct {
    const char* table;
    const char* key;
    const char* name;
    const char* kind;
  } counters[] = {{"job_counter", "job_id", "2", "job"},
                  {"queue_counter", "queue", "q1", "queue"},
                  {"workflow_counter", "workflow", "w", "workflow"}};
  for (const int by : {1, -1, 13, -300, 1000, -1000})
    for (const auto& c : counters) {
      must(admin.exec_text(std::string("update cascade.") + c.table + " set skipped = skipped + " +
                           std::to_string(by) + " where " + c.key + "::text = '" + c.name + "'"));
      EXPECT_THAT(
          test::reconcile(database, 16 * page_bytes, a_day),
          ElementsAre(std::string(c.kind) + " " + c.name + " skipped " + std::to_string(by)));
    }
  EXPECT_THAT(test::reconcile(database), IsEmpty());
  stop();
  EXPECT_EQ(wrong(), "");
}

}  // namespace
}  // namespace cascade
