// Settings of shares, limits and pauses: their rows, rights and errors, and how the owner reads them.
#include "tests/db/scheduler_fixture.hpp"

namespace cascade {
namespace {

using test::state_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct limits_of : scheduler_fixture {
  limits_of() { slots = 10; }

  pg::connection engine = database.connect("cascade_engine");
  pg::connection producer = database.connect("cascade_producer");

  std::string one(const std::string& sql) { return value_of(admin, sql); }
  void change(const std::string& function) {
    must(engine.exec("select cascade." + function));
    command("queue_changed", 0);
    round_trip();
  }
  void make_workflow(const std::string& definition = R"({"name": "w", "steps": []})") {
    must(engine.exec("select cascade.apply_workflow('w', '" + definition + "')"));
  }
  std::string trigger() {
    return one("select count(*) from pg_trigger where tgname = 'task_800_depth'");
  }
};

TEST_F(limits_of, the_owner_reads_settings_when_they_change_and_again_after_a_restart) {
  make_workflow();
  must(engine.exec("select cascade.limit_workflow('w', 1), cascade.pause_workflow('w')"));
  run();
  attach(7, "w");
  attach(8, "w");
  arrive({of_job(7, task(1), "a"), of_job(8, task(2), "a")});
  EXPECT_THAT(started(), IsEmpty()) << "paused before it began";
  change("resume_workflow('w')");
  EXPECT_THAT(started(), ElementsAre(1)) << "one at a time";
  change("limit_workflow('w', 2)");
  EXPECT_THAT(started(), ElementsAre(2));
  arrive({of_job(7, task(3), "b")});
  EXPECT_THAT(started(), IsEmpty());
  change("limit_workflow('w', null)");
  EXPECT_THAT(started(), ElementsAre(3));
}

TEST_F(limits_of, weights_and_strategies_are_read_from_their_rows) {
  slots = 1;
  must(engine.exec("select cascade.weigh_queue('a', 3), cascade.weigh_tenant('a', 'big', 3)"));
  must(engine.exec("select cascade.limit_key_concurrency('k', 1, 'cancel_newest')"));
  run();
  std::vector<arrival> all;
  for (std::int64_t i = 1; i <= 200; ++i) {
    all.push_back(task(i, 50, i <= 100 ? "a" : "b"));
    if (i <= 100 && i % 2 == 0) all.back().tenant = tenant_of("big");
  }
  arrive(std::move(all));
  int of_a = 0, big = 0;
  for (int i = 0; i < 80; ++i) {
    const ids now = started();
    ASSERT_EQ(now.size(), 1u);
    of_a += now[0] <= 100 ? 1 : 0;
    big += now[0] <= 100 && now[0] % 2 == 0 ? 1 : 0;
    finish(now[0]);
  }
  EXPECT_NEAR(of_a, 60, 1);
  EXPECT_NEAR(big, 45, 1);
}

TEST_F(limits_of, a_tenant_comes_with_its_row_and_producers_may_name_it) {
  EXPECT_EQ(state_of(producer, "select cascade.add_task('x', tenant => 'acme')"), "ok");
  EXPECT_EQ(state_of(producer, "insert into cascade.task (handler, tenant) values ('x', 'acme')"),
            "ok");
  EXPECT_EQ(state_of(producer, "insert into cascade.task (handler, tenant) values ('x', '')"),
            "23514");
  EXPECT_EQ(state_of(producer,
                     "insert into cascade.task (handler, tenant) values ('x', repeat('t', 201))"),
            "23514");
  EXPECT_EQ(one("select string_agg(tenant, ',') from cascade.tasks"), "acme,acme");
  for (const char* function : {"weigh_queue('q', 2)", "weigh_tenant('q', 't', 2)",
                               "limit_depth('q', 5)", "limit_job(1, 2)", "limit_workflow('w', 2)",
                               "pause_workflow('w')", "limit_key_concurrency('q', 1, 'wait')"})
    EXPECT_EQ(state_of(producer, std::string("select cascade.") + function), "42501") << function;
}

TEST_F(limits_of, what_cannot_be_is_refused) {
  make_workflow();
  const std::vector<std::pair<const char*, const char*>> table{
      {"weigh_queue('q', 0)", "CA006"},
      {"weigh_queue('q', 1001)", "CA006"},
      {"weigh_queue('q', null)", "CA006"},
      {"weigh_queue('q', 'NaN')", "CA006"},
      {"weigh_tenant('q', 't', -1)", "CA006"},
      {"weigh_tenant('q', '', 2)", "23514"},
      {"limit_depth('q', 0)", "CA006"},
      {"limit_queue('q', 1, '0')", "CA006"},
      {"limit_queue('q', 1, '-1 s')", "CA006"},
      {"limit_queue('q', 1, null)", "CA006"},
      {"limit_keys('q', 1, '0')", "CA006"},
      {"space_keys('q', '0')", "CA006"},
      {"limit_job(404, 2)", "CA005"},
      {"limit_workflow('w', 0)", "CA006"},
      {"limit_workflow('none', 2)", "CA002"},
      {"pause_workflow('none')", "CA002"},
      {"limit_key_concurrency('q', 1, 'sometimes')", "CA006"},
      {"limit_key_concurrency('q', null)", "CA006"},
      {"limit_key_concurrency('q', null, 'round_robin')", "ok"},
  };
  for (const auto& [function, state] : table)
    EXPECT_EQ(state_of(engine, std::string("select cascade.") + function), state) << function;
  must(engine.exec("select cascade.limit_key_concurrency('q', 3)"));
  EXPECT_EQ(one("select key_concurrency || when_full from cascade.queue_stats where queue = 'q'"),
            "3round_robin");
}

TEST_F(limits_of, a_burst_is_told_only_with_the_rate_that_it_belongs_to) {
  const auto told = [&] {
    return one(
        "select concat_ws(',', coalesce(burst::text, '-'), coalesce(key_burst::text, '-')) from "
        "cascade.queue_stats where queue = 'q'");
  };
  must(engine.exec("select cascade.limit_concurrency('q', 2)"));
  EXPECT_EQ(told(), "-,-");
  must(engine.exec("select cascade.limit_queue('q', 5), cascade.space_keys('q', '2 s')"));
  EXPECT_EQ(told(), "5,1");
  must(engine.exec("select cascade.limit_queue('q', null), cascade.space_keys('q', null)"));
  EXPECT_EQ(told(), "-,-");
}

TEST_F(limits_of, a_job_has_the_limit_of_its_workflow_unless_it_has_its_own) {
  make_workflow(R"({"name": "w", "steps": [], "concurrency": 4})");
  must(producer.exec("select cascade.start_job('w'), cascade.start_job('w', concurrency => 2)"));
  must(producer.exec("insert into cascade.job (concurrency) values (7)"));
  EXPECT_EQ(one("select string_agg(concurrency::text, ',' order by id) from cascade.jobs"),
            "4,2,7");
  EXPECT_EQ(state_of(producer, "insert into cascade.job (concurrency) values (0)"), "23514");
}

// -- depth ------------------------------------------------------------------------------------------

TEST_F(limits_of, an_insert_over_the_depth_of_its_queue_fails_as_a_whole) {
  EXPECT_EQ(trigger(), "0") << "it costs nothing";
  must(engine.exec("select cascade.limit_depth('q', 3)"));
  EXPECT_EQ(trigger(), "1");
  const auto push = [](int n, const char* queue = "q") {
    return "insert into cascade.task (handler, queue) select 'x', '" + std::string(queue) +
           "' from generate_series(1, " + std::to_string(n) + ")";
  };
  EXPECT_EQ(state_of(producer, push(2)), "ok");
  const auto full = producer.exec(push(2));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().sqlstate, "CA010");
  EXPECT_EQ(full.error().message, "queue \"q\" is full: 4 tasks would wait, its limit is 3");
  EXPECT_EQ(state_of(producer, "select cascade.add_task('x', queue => 'q')"), "ok");
  EXPECT_EQ(
      state_of(producer,
               "select cascade.add_task('x', queue => 'q', run_at => now() + interval '1 day')"),
      "CA010");
  EXPECT_EQ(state_of(producer, push(50, "other")), "ok");
  EXPECT_EQ(one("select count(*)::text from cascade.task where queue = 'q'"), "3");
  // What has been counted since, and what has ended.
  must(engine.exec(
      "update cascade.task set status = 'completed', started_at = now(), finished_at = now(), "
      "finished_on = cascade.today() where id = (select min(id) from cascade.task where queue = "
      "'q')"));
  EXPECT_EQ(state_of(producer, push(1)), "ok");
  EXPECT_EQ(state_of(producer, push(1)), "CA010");
  must(engine.exec("select cascade.limit_depth('q', null)"));
  EXPECT_EQ(trigger(), "0");
  EXPECT_EQ(state_of(producer, push(10)), "ok");
}

TEST_F(limits_of, the_engines_own_tasks_are_never_refused) {
  must(engine.exec("select cascade.limit_depth('q', 1)"));
  EXPECT_EQ(state_of(engine,
                     "insert into cascade.task (handler, queue) select 'x', 'q' from "
                     "generate_series(1, 5)"),
            "ok");
  EXPECT_EQ(state_of(producer, "select cascade.add_task('x', queue => 'q')"), "CA010");
  // A retry.
  must(engine.exec(
      "update cascade.task set status = 'running', started_at = now() where queue = 'q'"));
  EXPECT_EQ(state_of(engine,
                     "update cascade.task set status = 'waiting', waiting_reason = "
                     "'retry_backoff' where queue = 'q'"),
            "ok");
}

// Two that cannot see each other: neither waits.
TEST_F(limits_of, producers_do_not_wait_for_each_other_and_may_exceed_it_by_what_is_open) {
  must(engine.exec("select cascade.limit_depth('q', 1)"));
  auto other = database.connect("cascade_producer");
  must(producer.exec_text("begin"));
  must(other.exec_text("begin; set local lock_timeout = '1ms'"));
  EXPECT_EQ(state_of(producer, "select cascade.add_task('x', queue => 'q')"), "ok");
  EXPECT_EQ(state_of(other, "select cascade.add_task('x', queue => 'q')"), "ok");
  must(producer.exec_text("commit"));
  must(other.exec_text("commit"));
  EXPECT_EQ(state_of(producer, "select cascade.add_task('x', queue => 'q')"), "CA010");
  must(producer.exec_text("begin"));
  EXPECT_EQ(state_of(producer, "select cascade.add_task('x', queue => 'p')"), "ok");
  EXPECT_EQ(state_of(engine, "select cascade.limit_depth('q', null)"), "55P03")
      << "it does not wait for ever";
  must(producer.exec_text("rollback"));
}

// -- why ----------------------------------------------------------------------------------------------

TEST_F(limits_of, the_rows_name_the_limit_and_its_holders) {
  make_workflow();
  must(admin.exec("select count(pg_advisory_lock(727001, l)) from generate_series(0, 63) l"));
  run();
  must(producer.exec("select cascade.start_job('w', concurrency => 1), cascade.start_job('w')"));
  must(engine.exec(
      "insert into cascade.task (xid, job_id, step, handler) values ('0', 1, 'a', 'x'), "
      "('0', 1, 'b', 'x'), ('0', 2, 'a', 'x')"));
  must(engine.exec(
      "update cascade.task set status = 'running', started_at = now(), attempt = 1 where id = 1"));
  const auto why = [&](int id) {
    return nlohmann::json::parse(one("select cascade.why_task(" + std::to_string(id) + ")::text"));
  };
  auto told = why(2);
  EXPECT_EQ(told["verdict"], "concurrency_limit");
  EXPECT_EQ(told["job"], 1);
  EXPECT_EQ(told["limit"], 1);
  ASSERT_EQ(told["because"].size(), 1u);
  EXPECT_EQ(told["because"][0]["task"], 1);
  EXPECT_THAT(told["text"].get<std::string>(), HasSubstr("cascade.limit_job"));
  EXPECT_EQ(why(3)["verdict"], "worker_capacity");
  must(engine.exec("select cascade.limit_workflow('w', 1)"));
  told = why(3);
  EXPECT_EQ(told["verdict"], "concurrency_limit");
  EXPECT_EQ(told["workflow"], "w");
  EXPECT_EQ(one("select string_agg(reason::text || tasks, ',') from cascade.waiting_stats"),
            "concurrency_limit2");
  must(engine.exec("select cascade.pause_workflow('w')"));
  told = why(3);
  EXPECT_EQ(told["verdict"], "paused");
  EXPECT_EQ(told["workflow"], "w");
}

}  // namespace
}  // namespace cascade
