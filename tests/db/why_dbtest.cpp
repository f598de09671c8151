// cascade.why_task, explain_task and waiting_stats: why a task is not running, from its rows alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "sql/queries.hpp"
#include "state/task_verdict.hpp"
#include "tests/support/postgres.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using test::must;
using test::value_of;
using testing::HasSubstr;

struct why : testing::Test {
  test::test_database database;
  pg::connection admin = database.connect();
  pg::connection engine = database.connect("cascade_engine");

  // A node with these tags takes the lanes, and their locks.
  void own(const std::vector<std::string>& tags = {}) {
    const std::vector<std::string> none;
    must(admin.exec(sql::take_over.text,
                    pg::params{}.text("n1").int4(1).text("v").texts(tags).texts(none).int4(1)));
    must(admin.exec("select count(pg_advisory_lock(727001, l)) from generate_series(0, 63) l"));
  }
  void lose() { must(admin.exec("select pg_advisory_unlock_all()")); }

  std::int64_t number(const std::string& sql) { return std::stoll(value_of(admin, sql)); }
  // A task with these columns; its id.
  std::int64_t push(const std::string& columns = "handler", const std::string& values = "'noop'") {
    return number("insert into cascade.task (" + columns + ") values (" + values +
                  ") returning id::text");
  }
  void run_sql(const std::string& text) { must(admin.exec_text(text)); }
  // As the engine writes it.
  void is_running(std::int64_t id) {
    must(
        engine.exec("update cascade.task set status = 'running', attempt = 1, epoch = (select "
                    "max(epoch) from cascade.node), started_at = now() where id = $1",
                    pg::params{}.int8(id)));
  }
  void has_ended(std::int64_t id, const std::string& status) {
    must(engine.exec(
        "update cascade.task set status = $2::text::cascade.task_status, waiting_reason = null, "
        "started_at = now(), finished_at = now(), finished_on = cascade.today(), error = 'it "
        "broke' "
        "where id = $1",
        pg::params{}.int8(id).text(status)));
  }

  json of(std::int64_t id) {
    return json::parse(value_of(admin, "select cascade.why_task($1)::text", pg::params{}.int8(id)));
  }
  std::string verdict(std::int64_t id) { return of(id)["verdict"]; }
  std::string lines(std::int64_t id) {
    return value_of(admin, "select cascade.explain_task($1)", pg::params{}.int8(id));
  }

  // A job whose steps "1", "2", ... wait each for the one before; the first one is ready in
  // `queue`. Returns the id of the last one.
  std::int64_t chain(int steps, const std::string& queue) {
    json definition{{"name", "chain"}, {"steps", json::array()}};
    for (int i = 1; i <= steps; ++i)
      definition["steps"].push_back(
          {{"name", std::to_string(i)},
           {"depends_on", i == 1 ? json::array() : json::array({std::to_string(i - 1)})}});
    must(admin.exec("select cascade.apply_workflow('chain', $1)",
                    pg::params{}.jsonb(definition.dump())));
    const auto job = std::to_string(number("select cascade.start_job('chain')::text"));
    push("job_id, step, handler, queue, xid", job + ", '1', 'noop', '" + queue + "', '0'");
    std::int64_t last = 0;
    for (int i = 2; i <= steps; ++i)
      last = push("job_id, step, handler, status, waiting_reason, xid",
                  job + ", '" + std::to_string(i) + "', 'noop', 'waiting', 'dependency', '0'");
    return last;
  }
};

TEST_F(why, every_verdict_has_a_case) {
  own({"cpu"});
  run_sql(
      "select cascade.pause_queue('shut'), cascade.limit_concurrency('one', 1), "
      "cascade.limit_queue('slow', 5), cascade.limit_keys('crawl', 1, '2 seconds')");
  const auto job = std::to_string(test::make_job(admin, {.status = "paused"}));
  const auto busy = push("handler, queue", "'noop', 'one'");
  is_running(busy);
  std::map<std::int64_t, std::string> expected{
      {busy, "running"},
      {push("handler, queue", "'noop', 'one'"), "concurrency_limit"},
      {push("handler, run_at", "'noop', now() + interval '1 day'"), "delay"},
      {push("handler, queue", "'noop', 'shut'"), "paused"},
      {push("handler, job_id", "'noop', " + job), "paused"},
      {push("handler, queue", "'noop', 'slow'"), "rate_limit"},
      {push("handler, queue, rate_key", "'noop', 'crawl', 'example.org'"), "rate_limit"},
      {push("handler, queue", "'noop', 'crawl'"), "worker_capacity"},
      {push("handler, requires", "'noop', '{cpu}'"), "worker_capacity"},
      {push("handler, requires", "'noop', '{cpu, gpu}'"), "no_capable_worker"},
      {push("handler, status, waiting_reason, attempt, run_at",
            "'noop', 'waiting', 'retry_backoff', 1, now() + interval '1 hour'"),
       "retry_backoff"},
      {chain(2, "default"), "dependency"}};
  for (const char* status : {"completed", "failed", "cancelled", "skipped", "quarantined"}) {
    const auto id = push();
    has_ended(id, status);
    expected[id] = status;
  }
  std::set<std::string> seen;
  for (const auto& [id, word] : expected) {
    EXPECT_EQ(verdict(id), word) << lines(id);
    seen.insert(verdict(id));
  }
  lose();
  for (const auto id : {busy, push()}) EXPECT_EQ(verdict(id), "no_owner");
  seen.insert("no_owner");
  EXPECT_EQ(seen, std::set<std::string>(task_verdict_names.begin(), task_verdict_names.end()));
}

TEST_F(why, the_answer_says_what_stands_in_the_way_and_what_to_do) {
  own({"cpu"});
  const auto text = [this](std::int64_t id) { return of(id)["text"].get<std::string>(); };
  run_sql("select cascade.pause_queue('o''brien'), cascade.limit_concurrency('one', 1)");
  EXPECT_THAT(text(push("handler, queue", "'noop', 'o''brien'")),
              HasSubstr("cascade.resume_queue('o''brien')"));
  const json tags = of(push("handler, requires", "'noop', '{cpu, gpu}'"));
  EXPECT_EQ(tags["tags"], json::array({"gpu"}));
  EXPECT_THAT(tags["text"].get<std::string>(), HasSubstr("It requires gpu, which node n1 lacks"));
  const auto late = of(push("handler, run_at", "'noop', '2100-01-01 00:00:00+00'::timestamptz"));
  EXPECT_EQ(late["until"], "2100-01-01T00:00:00Z");
  EXPECT_THAT(late["text"].get<std::string>(), HasSubstr("not due before 2100-01-01T00:00:00Z"));

  const auto busy = push("handler, queue", "'noop', 'one'");
  is_running(busy);
  const json full = of(push("handler, queue", "'noop', 'one'"));
  EXPECT_EQ(full["queue"], "one");
  EXPECT_EQ(full["limit"], 1);
  ASSERT_EQ(full["because"].size(), 1u) << full;
  EXPECT_EQ(full["because"][0]["task"], busy);
  EXPECT_EQ(full["because"][0]["verdict"], "running");
  EXPECT_EQ(full["because"][0]["node"], "n1");

  const auto broken = push();
  has_ended(broken, "failed");
  EXPECT_THAT(text(broken), HasSubstr("(it broke)"));
  EXPECT_THAT(text(broken), HasSubstr("cascade.retry_task(" + std::to_string(broken) + ")"));
}

TEST_F(why, a_chain_ends_with_what_its_first_task_waits_for) {
  own();
  run_sql("select cascade.pause_queue('shut'), cascade.limit_queue('slow', 5)");
  for (const auto& [queue, word] :
       {std::pair{"slow", "rate_limit"}, {"shut", "paused"}, {"free", "worker_capacity"}}) {
    const auto last = chain(3, queue);
    const json told = of(last);
    EXPECT_EQ(told["verdict"], "dependency");
    EXPECT_EQ(told["step"], "3");
    ASSERT_EQ(told["because"].size(), 1u) << told;
    const json& second = told["because"][0];
    EXPECT_EQ(second["task"], last - 1);
    EXPECT_EQ(second["verdict"], "dependency");
    ASSERT_EQ(second["because"].size(), 1u) << told;
    EXPECT_EQ(second["because"][0]["task"], last - 2);
    EXPECT_EQ(second["because"][0]["verdict"], word);
  }
  const auto last = chain(2, "free");
  must(engine.exec(
      "update cascade.task set status = 'waiting', waiting_reason = 'delay', run_at = now() + "
      "interval '1 hour' where id = $1",
      pg::params{}.int8(last - 1)));
  EXPECT_THAT(lines(last),
              testing::MatchesRegex("task [0-9]+ \\(2\\): dependency\\. It waits for 1\\.\n"
                                    "  task [0-9]+ \\(1\\): delay\\. It is not due before .*"));
}

TEST_F(why, a_chain_is_bounded_in_length_and_in_breadth) {
  own();
  json deep = of(chain(30, "default"));
  int links = 1;
  while (!deep["because"].empty()) {
    json next = deep["because"][0];
    deep = std::move(next);
    ++links;
  }
  EXPECT_EQ(links, 11);

  must(admin.exec(
      "select cascade.apply_workflow('wide', $1)",
      pg::params{}.jsonb(
          R"({"steps": [{"name": "all", "depends_on": ["one"]}, {"name": "one", "depends_on": []}]})")));
  const auto job = std::to_string(number("select cascade.start_job('wide')::text"));
  for (int i = 0; i < 9; ++i)
    push("job_id, step, item, handler, xid",
         job + ", 'one', " + std::to_string(i) + ", 'noop', '0'");
  const json wide = of(push("job_id, step, handler, status, waiting_reason, xid",
                            job + ", 'all', 'noop', 'waiting', 'dependency', '0'"));
  EXPECT_EQ(wide["because"].size(), 5u);
  EXPECT_EQ(wide["more"], true);
  EXPECT_EQ(wide["text"], "It waits for one.") << "a step with many items is named once";
}

TEST_F(why, those_that_do_not_run_are_named_before_those_that_do) {
  own();
  must(admin.exec(
      "select cascade.apply_workflow('two', $1)",
      pg::params{}.jsonb(
          R"({"steps": [{"name": "c", "depends_on": ["a", "b"]}, {"name": "a"}, {"name": "b"}]})")));
  const auto job = std::to_string(number("select cascade.start_job('two')::text"));
  const auto runs = push("job_id, step, handler, xid", job + ", 'a', 'noop', '0'");
  const auto ready = push("job_id, step, handler, xid", job + ", 'b', 'noop', '0'");
  is_running(runs);
  const json told = of(push("job_id, step, handler, status, waiting_reason, xid",
                            job + ", 'c', 'noop', 'waiting', 'dependency', '0'"));
  ASSERT_EQ(told["because"].size(), 2u);
  EXPECT_EQ(told["because"][0]["task"], ready);
  EXPECT_EQ(told["because"][1]["verdict"], "running");
}

TEST_F(why, a_step_whose_dependencies_have_ended_waits_for_the_owner_of_its_job) {
  own();
  const auto last = chain(2, "default");
  has_ended(last - 1, "completed");
  EXPECT_EQ(verdict(last), "dependency");
  EXPECT_EQ(of(last)["because"], json::array());
  lose();
  ASSERT_EQ(of(last)["because"].size(), 1u);
  EXPECT_EQ(of(last)["because"][0]["verdict"], "no_owner");
  EXPECT_THAT(lines(last), HasSubstr("\n  lane "));
}

TEST_F(why, a_delay_that_is_over_is_none) {
  own();
  const auto id = push("handler, status, waiting_reason, run_at",
                       "'noop', 'waiting', 'delay', now() - interval '1 second'");
  EXPECT_EQ(verdict(id), "worker_capacity");
}

TEST_F(why, a_limit_that_is_not_used_up_holds_nobody) {
  own();
  run_sql("select cascade.limit_concurrency('two', 2)");
  const auto first = push("handler, queue", "'noop', 'two'");
  const auto waits = push("handler, queue", "'noop', 'two'");
  is_running(first);
  EXPECT_EQ(verdict(waits), "worker_capacity");
  is_running(push("handler, queue", "'noop', 'two'"));
  EXPECT_EQ(verdict(waits), "concurrency_limit");
  has_ended(first, "completed");
  EXPECT_EQ(verdict(waits), "worker_capacity");
}

TEST_F(why, a_key_whose_slots_are_taken) {
  own();
  const auto first = push("handler, concurrency_key", "'noop', 'a'");
  const auto waits = push("handler, concurrency_key", "'noop', 'a'");
  const auto other = push("handler, concurrency_key", "'noop', 'b'");
  is_running(first);
  EXPECT_EQ(verdict(waits), "concurrency_limit");
  EXPECT_EQ(verdict(other), "worker_capacity");
  run_sql("select cascade.limit_key_concurrency('default', 2)");
  EXPECT_EQ(verdict(waits), "worker_capacity");
}

TEST_F(why, readers_may_ask_and_an_unknown_task_is_an_error) {
  auto reader = database.connect("cascade_reader");
  const auto id = std::to_string(push());
  EXPECT_THAT(value_of(reader, "select cascade.explain_task(" + id + ")"), HasSubstr("no_owner"));
  EXPECT_EQ(value_of(reader, "select cascade.why_task(" + id + ")->>'source'"), "rows");
  EXPECT_EQ(value_of(reader, "select tasks::text from cascade.waiting_stats"), "1");
  for (const char* function : {"explain_task", "why_task"}) {
    const auto unknown = reader.exec("select cascade." + std::string(function) + "(404)");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().sqlstate, "CA005");
    EXPECT_EQ(unknown.error().message, "there is no task 404");
  }
}

// The view counts what why_task says of each.
TEST_F(why, what_waits_is_counted_by_reason) {
  own({"cpu"});
  run_sql(
      "select cascade.pause_queue('shut'), cascade.limit_concurrency('one', 1), "
      "cascade.limit_keys('crawl', 1)");
  is_running(push("handler, queue", "'noop', 'one'"));
  const auto job = std::to_string(test::make_job(admin, {.status = "paused"}));
  run_sql(
      "insert into cascade.task (handler, queue, rate_key, requires, job_id, run_at)"
      " select 'noop', (array['one', 'shut', 'crawl', 'free'])[1 + i % 4],"
      "  case when i % 3 = 1 then 'k' end, case when i % 5 = 0 then '{gpu}'::text[] end,"
      "  case when i % 7 = 0 then " +
      job +
      " end, now() + case when i % 9 = 0 then interval '1 hour' else '0' end"
      " from generate_series(1, 200) i");
  chain(4, "free");
  const std::string each =
      "select string_agg(concat_ws(' ', queue, reason, tasks), ', ' order by queue, reason::text) "
      "from ";
  const auto counted = value_of(admin, each + "cascade.waiting_stats");
  EXPECT_EQ(counted,
            value_of(admin, each + "(select queue, cascade.why_task(id)->>'verdict' as reason, "
                                   "count(*) as tasks from cascade.tasks where status <= 'pending' "
                                   "group by 1, 2) x"));
  for (const char* word :
       {"crawl rate_limit", "free delay", "default dependency 3", "free worker_cap",
        "no_capable_worker", "one concurrency_limit", "shut paused"})
    EXPECT_THAT(counted, HasSubstr(word));
}

// However small the tables look to the planner: they may have grown since.
TEST_F(why, no_table_of_tasks_is_read_as_a_whole) {
  own();
  run_sql("select cascade.limit_concurrency('one', 1)");
  is_running(push("handler, queue", "'noop', 'one'"));
  const auto full = push("handler, queue", "'noop', 'one'"), last = chain(5, "default");
  run_sql("analyze");
  run_sql("begin");
  for (const auto id : {full, last}) of(id);
  EXPECT_EQ(value_of(admin,
                     "select coalesce(sum(seq_scan), 0)::text from pg_stat_xact_all_tables"
                     " where schemaname = 'cascade' and relname ~ '^(task|job|workflow)'"),
            "0");
  EXPECT_NE(value_of(admin,
                     "select sum(idx_scan)::text from pg_stat_xact_all_tables"
                     " where schemaname = 'cascade' and relname = 'task_unfinished'"),
            "0");
  run_sql("rollback");
}

}  // namespace
}  // namespace cascade
