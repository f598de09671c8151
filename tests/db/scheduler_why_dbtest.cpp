// The same state told by the scheduler's memory and by the rows alone: the same words. And a chain
// of which the rows know the beginning and memory the end.
#include <set>

#include "tests/db/scheduler_fixture.hpp"

namespace cascade {
namespace {

using nlohmann::json;

struct scheduler_why : scheduler_fixture {
  scheduler_why() {
    must(admin.exec("select count(pg_advisory_lock(727001, l)) from generate_series(0, 63) l"));
  }
  // A row with these columns; its id.
  std::int64_t row(const std::string& columns, const std::string& values) {
    return database_test::number("insert into cascade.task (handler, " + columns +
                                 ") values ('work', " + values + ") returning id::text");
  }
  void is_running(std::int64_t id) {
    auto engine = database.connect("cascade_engine");
    must(
        engine.exec("update cascade.task set status = 'running', attempt = 1, epoch = $2, "
                    "started_at = now() where id = $1",
                    pg::params{}.int8(id).int8(epoch.value)));
  }
  json owner(std::int64_t id) {
    auto question = begin_ask(scheduler_parts::scheduler, console_query{"why", std::to_string(id)});
    round_trip();
    const auto told = take<console_answer>(question);
    return told ? json::parse(told->json) : json{{"verdict", error_text(told.error())}};
  }
  json rows(std::int64_t id) {
    return json::parse(value("select cascade.why_task(" + std::to_string(id) + ")::text"));
  }
  // The shape: which keys there are, but for those that only memory can fill.
  static std::set<std::string> keys(const json& told) {
    std::set<std::string> out;
    for (const auto& [key, x] : told.items()) out.insert(key);
    for (const char* more : {"live", "place", "until"}) out.erase(more);
    return out;
  }
};

TEST_F(scheduler_why, memory_and_rows_give_the_same_verdict) {
  slots = 1;
  run_sql(
      "select cascade.pause_queue('shut'), cascade.limit_concurrency('one', 1), "
      "cascade.limit_queue('slow', 1), cascade.limit_keys('crawl', 1, '1 hour')");
  const auto job = test::make_job(admin, {.status = "paused"});
  const auto in_shut = row("queue", "'shut'");
  const auto of_paused = row("job_id", std::to_string(job));
  const auto slow = row("queue", "'slow'");
  const auto keyed = row("queue, rate_key", "'crawl', 'k'");
  const auto late = row("run_at", "now() + interval '1 hour'");
  const auto again = row("status, waiting_reason, attempt, run_at",
                         "'waiting', 'retry_backoff', 1, now() + interval '1 hour'");
  const auto busy = row("queue", "'one'"), behind = row("queue", "'one'");
  const auto plain = row("queue", "'default'");
  run();
  attach(job, "", true);

  arrival with_key = task(keyed, 50, "crawl");
  with_key.body.rate_key = "k";
  arrival failed = delayed(again, 1h);
  failed.reason = waiting_reason::retry_backoff;
  failed.attempt = 1;
  arrive({with_key});  // while a worker is free, it is looked at
  arrive({task(busy, 50, "one"), task(behind, 50, "one")});
  is_running(busy);
  arrive({task(in_shut, 50, "shut"), of_job(job, task(of_paused)), task(slow, 50, "slow"),
          delayed(late, 1h), failed, task(plain)});
  ASSERT_THAT(started(), testing::ElementsAre(busy));

  for (const auto& [id, word] : std::map<std::int64_t, std::string>{{in_shut, "paused"},
                                                                    {of_paused, "paused"},
                                                                    {slow, "rate_limit"},
                                                                    {keyed, "rate_limit"},
                                                                    {late, "delay"},
                                                                    {again, "retry_backoff"},
                                                                    {busy, "running"},
                                                                    {behind, "concurrency_limit"},
                                                                    {plain, "worker_capacity"}}) {
    const json live = owner(id), stored = rows(id);
    EXPECT_EQ(live["verdict"], word) << live;
    EXPECT_EQ(stored["verdict"], word) << stored;
    EXPECT_EQ(live["live"], true) << "not from memory: " << live;
    EXPECT_EQ(live["source"], "owner");
    EXPECT_EQ(stored["source"], "rows");
    EXPECT_EQ(keys(live), keys(stored)) << live << stored;
    ASSERT_EQ(live["because"].size(), stored["because"].size()) << live << stored;
    for (std::size_t i = 0; i < live["because"].size(); ++i)
      EXPECT_EQ(live["because"][i]["task"], stored["because"][i]["task"]);
  }
}

TEST_F(scheduler_why, what_is_not_in_memory_is_told_from_the_rows) {
  run();
  const auto gpu = row("requires", "'{gpu}'");
  EXPECT_EQ(owner(gpu)["verdict"], "no_capable_worker");
  EXPECT_FALSE(owner(gpu).contains("live"));
  const auto over = task_id{row("queue", "'default'")};
  must(database.connect("cascade_engine")
           .exec_text("update cascade.task set status = 'completed', started_at = now(), "
                      "finished_at = now(), finished_on = cascade.today() where id = " +
                      std::to_string(over.value)));
  EXPECT_EQ(owner(over.value)["verdict"], "completed");
  EXPECT_EQ(owner(404)["verdict"], "not found: there is no task 404");
}

TEST_F(scheduler_why, the_end_of_a_chain_is_as_fresh_as_memory) {
  slots = 0;
  must(admin.exec(
      "select cascade.apply_workflow('two', $1)",
      pg::params{}.jsonb(R"({"steps": [{"name": "a"}, {"name": "b", "depends_on": ["a"]}]})")));
  const auto job = database_test::number("select cascade.start_job('two')::text");
  const auto a = row("job_id, step, xid", std::to_string(job) + ", 'a', '0'");
  const auto b = row("job_id, step, status, waiting_reason, xid",
                     std::to_string(job) + ", 'b', 'waiting', 'dependency', '0'");
  run();
  attach(job);
  arrive({task(99), of_job(job, task(a), "a")});
  const json told = owner(b);
  EXPECT_EQ(told["verdict"], "dependency");
  ASSERT_EQ(told["because"].size(), 1u) << told;
  const json& first = told["because"][0];
  EXPECT_EQ(first["task"], a);
  EXPECT_EQ(first["step"], "a");
  EXPECT_EQ(first["verdict"], "worker_capacity");
  EXPECT_EQ(first["live"], true);
  EXPECT_EQ(first["place"], 2);
  command("pause_job", 0, job);
  EXPECT_EQ(owner(b)["because"][0]["verdict"], "paused") << "the rows do not say so yet";
  EXPECT_EQ(rows(b)["because"][0]["verdict"], "worker_capacity");
}

TEST_F(scheduler_why, without_a_connection_memory_tells_what_it_holds) {
  slots = 0;
  make_tasks(1);
  run();
  arrive({task(1)});
  lose_connection();
  auto question = begin_ask(scheduler_parts::scheduler, console_query{"why", "1"});
  const auto told = take<console_answer>(question);
  ASSERT_TRUE(told);
  EXPECT_EQ(json::parse(told->json)["verdict"], "no_owner");
}

}  // namespace
}  // namespace cascade
