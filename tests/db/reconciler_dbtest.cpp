// The actor: when rounds begin, what is told of them, and what becomes of one that fails.
#include <spdlog/sinks/ostream_sink.h>

#include "actors/reconciler.hpp"
#include "tests/db/reconcile_fixture.hpp"
#include "tests/support/database_test.hpp"

namespace cascade {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct reconciler : database_test {
  reconciler_actor actor;
  pg::connection other = database.connect();
  std::ostringstream log;

  reconciler() {
    settings.reconcile_every = 10min;
    test::make_counted_tasks(admin, 20);
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(log, true);
    sink->set_pattern("%v");
    sinks = {sink};
  }
  ~reconciler() override { end_database(); }

  std::vector<spdlog::sink_ptr> sinks;

  void spawn() {
    context()->log->sinks() = sinks;
    actor = keep(spawn_reconciler(sys, context(), gateway));
  }
  void run() {
    own();
    spawn();
    settle();
  }
  nlohmann::json shown() {
    return nlohmann::json::parse(ask<description>(actor, describe{})->detail);
  }
  void until_rounds(const char* which, int n) {
    until([&] { return shown()[which] >= n; });
  }
  std::string wrong() { return value(test::counter_differences); }
  void drift() {
    run_sql(
        "update cascade.job_counter set pending = pending + 1 where job_id = 1;"
        "update cascade.queue_counter set pending = pending - 1000 where queue = 'q1';"
        "update cascade.workflow_counter set failed = 12 where workflow = 'w'");
  }
};

TEST_F(reconciler, repairs_what_is_wrong_within_a_period_and_tells_it_once) {
  run();
  drift();
  elapse(10min);
  until_rounds("rounds", 1);
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(shown()["repairs"], 3);
  EXPECT_EQ(shown()["last_round"]["tasks"], 100);
  EXPECT_EQ(shown()["last_round"]["jobs"], 4);
  EXPECT_EQ(log.str(),
            "cascade.counter.repaired kind=job name=\"1\" status=pending off_by=1\n"
            "cascade.counter.repaired kind=queue name=\"q1\" status=pending off_by=-1000\n"
            "cascade.counter.repaired kind=workflow name=\"w\" status=failed off_by=12\n");
  elapse(9min);
  round_trip();
  EXPECT_EQ(shown()["rounds"], 1);
  elapse(1min);
  until_rounds("rounds", 2);
  EXPECT_EQ(shown()["repairs"], 3);
  EXPECT_EQ(value("select count(*)::text from cascade.counter_repair"), "3");
}

TEST_F(reconciler, reads_in_slices) {
  settings.reconcile_slice_bytes = test::page_bytes;
  run();
  elapse(10min);
  until_rounds("rounds", 1);
  // Pages of tasks, jobs two at a time, and the rest.
  EXPECT_EQ(shown()["steps"],
            number("select pg_relation_size('cascade.task_unfinished') / 8192 + 3 + 1"));
  EXPECT_EQ(shown()["repairs"], 0);
}

TEST_F(reconciler, a_lost_connection_undoes_the_round_and_the_next_one_repairs_once) {
  drift();
  must(other.exec_text("begin; lock table cascade.workflow_counter"));
  run();
  elapse(10min);
  until([&] { return waits_for_a_lock("reconciler") || shown()["rounds_failed"] > 0; });
  end_sessions("reconciler");
  until_rounds("rounds_failed", 1);
  must(other.exec_text("rollback"));
  EXPECT_EQ(value("select count(*)::text from cascade.counter_repair"), "0");
  EXPECT_EQ(shown()["repairs"], 0);
  EXPECT_THAT(log.str(), HasSubstr("cascade.reconciler.put_off"));
  elapse(1min);
  until_rounds("rounds", 1);
  EXPECT_EQ(shown()["repairs"], 3);
  EXPECT_EQ(value("select count(*)::text from cascade.counter_repair"), "3");
  EXPECT_EQ(wrong(), "");
  EXPECT_THAT(std::string(shown()["last_problem"]), IsEmpty());
}

TEST_F(reconciler, a_lost_owner_gives_the_round_up_and_goes_on_when_it_is_due) {
  drift();
  run();
  elapse(9min);
  lose_connection();
  elapse(5min);
  EXPECT_EQ(ask<description>(actor, describe{})->state, "standby");
  EXPECT_EQ(shown()["rounds"], 0);
  reconnect();
  elapse(1s);
  until_rounds("rounds", 1);
  EXPECT_EQ(shown()["repairs"], 3);
}

TEST_F(reconciler, a_round_elsewhere_makes_it_wait_a_minute) {
  drift();
  test::reconcile_round by_hand(database);
  by_hand.begin();
  run();
  elapse(10min);
  until([&] { return waits_for_a_lock("reconciler") || shown()["rounds_failed"] > 0; });
  by_hand.end();
  until_rounds("rounds_failed", 1);
  elapse(1min);
  until_rounds("rounds", 1);
  EXPECT_EQ(shown()["repairs"], 0);
  EXPECT_EQ(by_hand.repairs.size(), 3u);
  EXPECT_EQ(value("select count(*)::text from cascade.counter_repair"), "3");
}

TEST_F(reconciler, a_standby_leaves_it_to_the_owner) {
  drift();
  connect();
  spawn();
  elapse(3h);
  EXPECT_EQ(ask<description>(actor, describe{})->state, "standby");
  announce(take_over());
  elapse(10min);
  until_rounds("rounds", 1);
  EXPECT_EQ(shown()["repairs"], 3);
}

TEST_F(reconciler, off_is_off) {
  settings.reconcile_every = 0s;
  drift();
  run();
  elapse(24h);
  round_trip();
  EXPECT_EQ(ask<description>(actor, describe{})->state, "off");
  EXPECT_EQ(shown()["rounds"], 0);
  EXPECT_NE(wrong(), "");
}

}  // namespace
}  // namespace cascade
