// The inbox's promise: each committed row is seen exactly once, none of a rolled-back transaction.
// Eight writers commit, roll back, use savepoints, dawdle and prepare transactions; one transaction
// stays open from before the first read until after the last writer. CASCADE_TEST_ROWS says how
// many rows (1000000 for the full proof), CASCADE_SEED repeats the writers' choices.
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/support/inbox_reader.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using test::must;

struct totals {
  std::atomic<std::int64_t> left{0};  // tasks still to be inserted by transactions that commit
  std::atomic<std::int64_t> tasks{0}, jobs{0}, commands{0};  // committed
  std::atomic<std::int64_t> rolled_back{0}, savepoints{0}, prepared{0};
};

class writer {
  pg::connection db_;
  dice dice_;
  std::string gid_;
  totals& totals_;
  std::int64_t tasks_ = 0, jobs_ = 0, commands_ = 0;  // of the transaction at hand
  std::int64_t prepared_tasks_ = 0, prepared_jobs_ = 0;
  bool has_prepared_ = false;

  void run(const std::string& sql) { must(db_.exec_text(sql)); }

  void insert() {
    const auto n = dice_.one_in(150) ? dice_.upto(2'000) : dice_.upto(8);
    run("insert into cascade.task (handler, run_at) select 'noop', now() + interval '" +
        std::string(dice_.one_in(5) ? "1 hour" : "0") + "' from generate_series(1, " +
        std::to_string(n) + ")");
    tasks_ += n;
    if (dice_.one_in(10)) {
      run("insert into cascade.job (keep_open) values (true)");
      ++jobs_;
    }
    if (dice_.one_in(3))
      run("select pg_sleep(" + std::to_string(dice_.upto(dice_.one_in(50) ? 100 : 5)) +
          " * 0.001)");
  }

  void insert_in_savepoint() {
    ++totals_.savepoints;
    const auto tasks = tasks_, jobs = jobs_;
    run("savepoint s");
    insert();
    if (dice_.one_in(2)) return run("release s");
    totals_.rolled_back += tasks_ - tasks;
    tasks_ = tasks, jobs_ = jobs;
    run("rollback to s");
  }

  void end_prepared() {
    const bool keep = !dice_.one_in(3);
    run((keep ? "commit prepared '" : "rollback prepared '") + gid_ + "'");
    (keep ? totals_.tasks : totals_.rolled_back) += prepared_tasks_;
    if (keep) totals_.jobs += prepared_jobs_, totals_.left -= prepared_tasks_;
    has_prepared_ = false;
  }

  void transaction() {
    tasks_ = jobs_ = commands_ = 0;
    const bool prepare = !has_prepared_ && dice_.one_in(10);
    run("begin");
    if (prepare) run("set local cascade.doorbell = off");
    for (auto n = dice_.upto(4); n > 0; --n) dice_.one_in(3) ? insert_in_savepoint() : insert();
    if (prepare) {
      run("prepare transaction '" + gid_ + "'");
      ++totals_.prepared;
      has_prepared_ = true;
      prepared_tasks_ = tasks_, prepared_jobs_ = jobs_;
      return;
    }
    if (dice_.one_in(10)) {
      run("insert into cascade.command (kind, queue) values ('queue_changed', 'default')");
      ++commands_;
    }
    const bool keep = !dice_.one_in(5);
    run(keep ? "commit" : "rollback");
    (keep ? totals_.tasks : totals_.rolled_back) += tasks_;
    if (keep) totals_.jobs += jobs_, totals_.commands += commands_, totals_.left -= tasks_;
  }

public:
  writer(const test::test_database& database, int number, std::uint64_t seed, totals& t)
      : db_(database.connect()),
        dice_(seed),
        gid_(database.name() + "_" + std::to_string(number)),
        totals_(t) {}

  void work() {
    while (totals_.left > 0) {
      transaction();
      if (has_prepared_ && dice_.one_in(6)) end_prepared();
    }
    if (has_prepared_) end_prepared();
  }
};

// How often each id was seen.
class ledger {
  std::vector<std::uint8_t> seen_;

public:
  void see(std::int64_t id) {
    const auto at = static_cast<std::size_t>(id);
    if (at >= seen_.size()) seen_.resize(at * 2 + 1'000);
    if (seen_[at] < 255) ++seen_[at];
  }

  struct verdict {
    std::int64_t committed = 0, missed = 0, twice = 0, never_committed = 0;
  };
  verdict compare(pg::connection& c, const std::string& committed_ids) {
    verdict v;
    const auto rows = must(c.exec(committed_ids, {}, pg::deadline::in(std::chrono::minutes{2})));
    v.committed = rows.size();
    for (int i = 0; i < rows.size(); ++i) {
      const auto at = static_cast<std::size_t>(rows.int64(i, 0));
      const int times = at < seen_.size() ? seen_[at] : 0;
      v.missed += times == 0;
      v.twice += times > 1;
      if (at < seen_.size()) seen_[at] = 0;
    }
    v.never_committed = std::ranges::count_if(seen_, [](auto n) { return n > 0; });
    return v;
  }
};

struct inbox_exact : ::testing::Test {
  static constexpr int writers = 8;
  static constexpr std::size_t page_rows = 500;

  test::test_database database;
  pg::connection admin = database.connect();
  pg::connection engine = database.connect("cascade_engine");
  boost::asio::io_context io;
  totals sum;
  ledger tasks, jobs, commands;
  bool paged = false;
  ledger::verdict task_verdict, job_verdict, command_verdict;

  // What the engine does to rows meanwhile: some are finished, some written as running.
  void settle_some(const inbox_page& page, dice& d) {
    if (page.tasks.empty() || !d.one_in(3)) return;
    std::vector<std::int64_t> ids, zeros(page.tasks.size());
    std::vector<std::int16_t> attempts(page.tasks.size(), 1);
    for (const arrival& t : page.tasks) ids.push_back(t.id.value);
    auto p = pg::params{}.int8s(ids).int2s(attempts).int8s(zeros);
    if (d.one_in(2))
      must(engine.exec(sql::complete_plain.text, p.int8s(zeros).int8(1).int8(std::nullopt)));
    else
      must(engine.exec(sql::mark_running.text, p.int8(1).int8(std::nullopt)));
  }

  void run(std::int64_t rows, bool broken) {
    const auto base = test_seed();
    dice d(base);
    sum.left = rows;
    auto session = pg::session::make(io, test::engine_session(database.conninfo()));
    session->start([] {}, [](const pg::failure& f) { ADD_FAILURE() << pg::to_string(f); });

    auto pinned = database.connect();
    must(
        pinned.exec_text("begin; insert into cascade.task (handler) select 'noop' from "
                         "generate_series(1, 700); insert into cascade.job default values"));
    std::vector<std::future<void>> threads;
    for (int i = 0; i < writers; ++i)
      threads.push_back(std::async(std::launch::async, [&, i] {
        writer(database, i, base + 1 + static_cast<std::uint64_t>(i), sum).work();
      }));

    bool answered = false;
    test::inbox_reader inbox(
        session, page_rows,
        [&](const inbox_page& page) {
          for (const auto& t : page.tasks) tasks.see(t.id.value);
          for (const auto& j : page.jobs) jobs.see(j.id.value);
          for (const auto& c : page.commands) commands.see(c.id.value);
          settle_some(page, d);
        },
        broken);
    const auto done = [&](std::size_t, bool) { answered = true; };
    const auto wait = [&] {
      const auto net = pg::deadline::in(std::chrono::seconds{60});
      while (!std::exchange(answered, false)) {
        ASSERT_FALSE(net.passed());
        io.restart();
        io.run_one_for(net.left());
      }
    };
    const auto start = pg::deadline::now();
    inbox.load(done);
    wait();
    const auto writing = [&] {
      return std::ranges::any_of(threads, [](auto& f) {
        return f.wait_for(std::chrono::seconds{0}) != std::future_status::ready;
      });
    };
    while (writing() && !HasFatalFailure()) {
      inbox.read(done);
      wait();
      if (d.one_in(20))
        must(admin.exec_text("select pg_sleep(0.001 * " + std::to_string(d.upto(30)) + ")"));
    }
    for (auto& t : threads) t.get();
    inbox.read(done);
    wait();
    must(pinned.exec_text("commit"));
    sum.tasks += 700;
    ++sum.jobs;
    for (int i = 0; i < 2; ++i) inbox.read(done), wait();
    const std::chrono::duration<double> took = pg::deadline::now() - start;
    session->close();
    io.restart();
    io.run();

    task_verdict = tasks.compare(admin, "select id from cascade.task");
    job_verdict = jobs.compare(admin, "select id from cascade.job");
    command_verdict = commands.compare(admin, "select id from cascade.command");
    EXPECT_EQ(task_verdict.committed, sum.tasks) << "the writers know what they committed";
    EXPECT_EQ(job_verdict.committed, sum.jobs);
    EXPECT_EQ(command_verdict.committed, sum.commands);
    paged = inbox.paged_reads > 0;
    std::printf(
        "%lld tasks, %lld jobs, %lld commands committed, %lld tasks rolled back, %lld savepoints, "
        "%lld prepared transactions; %llu reads, %llu of them paged; %.1f s\n"
        "missed %lld, seen twice %lld, seen but never committed %lld\n",
        static_cast<long long>(sum.tasks), static_cast<long long>(sum.jobs),
        static_cast<long long>(sum.commands), static_cast<long long>(sum.rolled_back),
        static_cast<long long>(sum.savepoints), static_cast<long long>(sum.prepared),
        static_cast<unsigned long long>(inbox.reads),
        static_cast<unsigned long long>(inbox.paged_reads), took.count(),
        static_cast<long long>(task_verdict.missed), static_cast<long long>(task_verdict.twice),
        static_cast<long long>(task_verdict.never_committed));
  }
};

TEST_F(inbox_exact, each_committed_row_is_seen_once_and_no_other) {
  const char* rows = std::getenv("CASCADE_TEST_ROWS");
  run(rows ? std::strtoll(rows, nullptr, 10) : 100'000, false);
  for (const auto& [what, v] : {std::pair{"tasks", task_verdict}, std::pair{"jobs", job_verdict},
                                std::pair{"commands", command_verdict}}) {
    EXPECT_EQ(v.missed, 0) << what;
    EXPECT_EQ(v.twice, 0) << what;
    EXPECT_EQ(v.never_committed, 0) << what;
  }
  EXPECT_GT(sum.prepared, 0);
  EXPECT_TRUE(paged) << "no page ever overflowed";
}

TEST_F(inbox_exact, rows_would_be_missed_without_those_in_progress_at_the_last_read) {
  run(20'000, true);
  EXPECT_GT(task_verdict.missed, 700) << "the pinned transaction's, and others";
  EXPECT_GT(job_verdict.missed, 0);
}

}  // namespace
}  // namespace cascade
