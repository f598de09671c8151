// tests/db/reconcile_fixture.hpp
//
// Rounds of the reconciler step by step, so that a test can do something in between.
#pragma once

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/counter_differences.hpp"

namespace cascade::test {

constexpr std::int64_t page_bytes = 8192;

class reconcile_round {
public:
  std::vector<std::string> repairs;  // "queue mail pending 3": by how much it was off
  std::int64_t tasks = 0;
  std::int64_t tasks_most = 0;  // in one step
  int steps = 0;

  explicit reconcile_round(const test_database& database,
                           const std::string& role = "cascade_engine")
      : connection_(database.connect(role)) {}

  pg::connection& connection() { return connection_; }

  void begin(std::int64_t slice_bytes = 16 << 20, std::int64_t remember_s = 0) {
    open();
    must(connection_.exec_text(sql::reconcile_lock.text));
    plan(slice_bytes, remember_s);
  }
  void open(const char* isolation = "repeatable read") {
    must(connection_.exec_text(std::string("begin isolation level ") + isolation));
  }
  void plan(std::int64_t slice_bytes = 16 << 20, std::int64_t remember_s = 0) {
    must(connection_.exec(sql::begin_reconciling.text,
                          pg::params{}.int8(slice_bytes).int8(remember_s)));
  }
  // False: that was the last one.
  bool step() {
    const auto answer = must(connection_.exec_as_text(sql::reconcile_step.text));
    const auto done = nlohmann::json::parse(answer.text(0, 0));
    ++steps;
    const auto n = done["tasks"].get<std::int64_t>();
    tasks += n;
    tasks_most = std::max(tasks_most, n);
    for (const auto& r : done["repairs"])
      repairs.push_back(r["kind"].get<std::string>() + " " + r["name"].get<std::string>() + " " +
                        r["status"].get<std::string>() + " " +
                        std::to_string(r["off_by"].get<std::int64_t>()));
    return !done["over"].get<bool>();
  }
  void end(bool commit = true) {
    while (step()) continue;
    must(connection_.exec_text(commit ? "commit" : "rollback"));
  }

private:
  pg::connection connection_;
};

// A whole round; what it repaired.
inline std::vector<std::string> reconcile(const test_database& database,
                                          std::int64_t slice_bytes = 16 << 20,
                                          std::int64_t remember_s = 0) {
  reconcile_round round(database);
  round.begin(slice_bytes, remember_s);
  round.end();
  return round.repairs;
}

// Jobs 1 and 2 of workflow w, 3 of v, 4 of none; `n` tasks each in one of three queues, and as many
// without a job. Counted, and all of it folded.
inline void make_counted_tasks(pg::connection& admin, int n) {
  must(
      admin.exec_text("select cascade.apply_workflow('w', '{}'), cascade.apply_workflow('v', '{}');"
                      "insert into cascade.job (workflow) values ('w'), ('w'), ('v'), (null);"
                      "insert into cascade.task (handler, queue, job_id) select 'noop', 'q' || i % "
                      "3, nullif(i % 5, "
                      "0) from generate_series(1, 5 * " +
                      std::to_string(n) + ") i"));
  must(admin.exec_text("set role cascade_engine"));
  count_and_fold(admin);
  must(admin.exec_text("reset role"));
}

// As the engine writes it; `which` is a condition, `day` how long ago.
inline std::string finish(const std::string& which, const std::string& status = "completed",
                          const std::string& day = "0") {
  return "update cascade.task set status = '" + status +
         "', waiting_reason = null, started_at = now(), finished_at = now(), finished_on = "
         "cascade.today() - (" +
         day + ")::int where finished_on is null and " + which;
}
inline std::string redrive(const std::string& which) {
  return "update cascade.task set status = 'pending', xid = pg_current_xact_id(), finished_at = "
         "null, finished_on = null where status = 'failed' and " +
         which;
}

}  // namespace cascade::test
