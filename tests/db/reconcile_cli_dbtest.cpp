// `cascade reconcile`, without a service.
#include <gmock/gmock.h>

#include "tests/db/cli_fixture.hpp"
#include "tests/db/reconcile_fixture.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

struct reconcile_cli : test::cli_test {
  pg::connection admin = db_.connect();
  void run_sql(const std::string& sql) { test::must(admin.exec_text(sql)); }
};

TEST_F(reconcile_cli, says_what_it_has_looked_at) {
  test::make_counted_tasks(admin, 20);
  const auto done = run({"reconcile"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(done.out,
            "Counted 100 tasks of 4 jobs, 3 queues and 2 workflows: all counters are right.\n");
  const auto document = run({"reconcile", "--json"}).document();
  EXPECT_EQ(document, json::parse(R"({"tasks": 100, "jobs": 4, "queues": 3, "workflows": 2,
                            "repaired": true, "repairs": []})"));
}

TEST_F(reconcile_cli, repairs_and_exits_with_1_so_that_somebody_hears_of_it) {
  test::make_counted_tasks(admin, 20);
  run_sql(
      "update cascade.job_counter set pending = pending - 7 where job_id = 3;"
      "update cascade.queue_counter set failed = 40 where queue = 'q2'");
  const auto check = run({"reconcile", "--check", "--json"});
  EXPECT_EQ(check.exit, 1);
  EXPECT_EQ(check.document()["repaired"], false);
  EXPECT_EQ(check.document()["repairs"].size(), 2u);
  EXPECT_THAT(run({"reconcile", "--check"}).out, HasSubstr("2 were wrong, nothing is changed."));
  EXPECT_EQ(value("select count(*)::text from cascade.counter_repair"), "0");
  const auto repaired = run({"reconcile", "--json"});
  EXPECT_EQ(repaired.exit, 1);
  EXPECT_EQ(repaired.document()["repairs"], json::parse(R"([
      {"kind": "job", "name": "3", "status": "pending", "off_by": -7},
      {"kind": "queue", "name": "q2", "status": "failed", "off_by": 40}])"));
  EXPECT_EQ(run({"reconcile"}).exit, 0);
  EXPECT_EQ(value(test::counter_differences), "");
  run_sql("update cascade.workflow_counter set failed = 1 where workflow = 'v'");
  const auto shown = run({"reconcile"});
  EXPECT_THAT(shown.out, HasSubstr("workflow"));
  EXPECT_THAT(shown.out, HasSubstr("1 was wrong, repaired."));
}

TEST_F(reconcile_cli, needs_the_rights_of_the_engine_and_a_schema) {
  const auto conninfo = [this](const char* role) { return db_.conninfo(role); };
  EXPECT_EQ(run_on(conninfo("cascade_engine"), {"reconcile"}).exit, 0);
  const auto refused = run_on(conninfo("cascade_reader"), {"reconcile", "--json"});
  EXPECT_EQ(refused.exit, 1);
  EXPECT_EQ(json::parse(refused.err)["error"]["sqlstate"], "42501");
  const test::test_database empty(test::test_database::schema::none);
  EXPECT_EQ(run_on(empty.conninfo(), {"reconcile"}).exit, 3);
}

}  // namespace
}  // namespace cascade
