// The schema agrees with the tables in state/, and defends itself against everybody but the engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "state/job_state.hpp"
#include "state/limits.hpp"
#include "state/task_verdict.hpp"
#include "tests/support/postgres.hpp"

using cascade::test::make_job;
using cascade::test::make_task;
using cascade::test::must;
using cascade::test::state_of;
using cascade::test::task_fields;
using cascade::test::value_of;
namespace pg = cascade::pg;

namespace {

struct schema : testing::Test {
  cascade::test::test_database database;
  pg::connection admin = database.connect();
  pg::connection engine = database.connect("cascade_engine");
  pg::connection producer = database.connect("cascade_producer");

  template <class Names>
  void expect_enum(const std::string& type, const Names& names) {
    std::string expected;
    for (const auto name : names) expected += (expected.empty() ? "" : ",") + std::string(name);
    EXPECT_EQ(value_of(admin,
                       "select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum"
                       " where enumtypid = $1::text::regtype",
                       pg::params{}.text("cascade." + type)),
              expected);
  }
};

}  // namespace

TEST_F(schema, enums_are_those_of_the_code) {
  expect_enum("task_status", cascade::task_state_names);
  expect_enum("waiting_reason", cascade::waiting_reason_names);
  expect_enum("job_status", cascade::job_state_names);
  expect_enum("task_verdict", cascade::task_verdict_names);
}

TEST_F(schema, task_transitions_are_those_of_the_code) {
  constexpr std::string_view events[] = {
      "due",        "held",     "started", "succeeded", "errored", "backed_off", "snoozed",
      "owner_lost", "poisoned", "cancel",  "skip",      "redrive", "reopen"};
  std::set<std::string> in_code, in_sql;
  for (const auto& t : cascade::task_transitions)
    in_code.insert(std::string(to_string(t.from)) + " " +
                   std::string(events[static_cast<std::size_t>(t.on)]) + " " +
                   std::string(to_string(t.to)));
  const auto r = must(admin.exec(
      "select concat_ws(' ', from_status, event, to_status) from cascade.task_transition"));
  for (int i = 0; i < r.size(); ++i) in_sql.emplace(r.text(i, 0));
  EXPECT_EQ(in_sql, in_code);
}

TEST_F(schema, limits_are_those_of_the_code) {
  const auto check = [&](const std::string& table, const std::string& text) {
    EXPECT_EQ(
        value_of(admin,
                 "select count(*)::text from pg_constraint where conrelid = $1::text::regclass"
                 " and pg_get_constraintdef(oid) like '%' || $2 || '%'",
                 pg::params{}.text("cascade." + table).text(text)),
        "1")
        << table << ": " << text;
  };
  EXPECT_EQ(
      value_of(
          admin,
          "select pg_get_functiondef(oid) like '%pg_column_size(new.payload) "
          "operator(pg_catalog.>) ' || $1 || '%' from"
          " pg_proc where pronamespace = 'cascade'::regnamespace and proname = 'tg_task_inserting'",
          pg::params{}.text(std::to_string(cascade::limits::payload_bytes_max))),
      "t");
  check("job", "pg_column_size(input) <= " + std::to_string(cascade::limits::payload_bytes_max));
  EXPECT_EQ(value_of(admin, "select count(*)::text from cascade.lane"), "64");
}

// The engine may skip states that are passed faster than they are written; finished rows only move
// by a redrive.
TEST_F(schema, the_guard_lets_the_engine_do_what_the_table_allows) {
  for (const auto from : cascade::task_state_names)
    for (const auto to : cascade::task_state_names) {
      if (from == to) continue;
      const auto a = *cascade::parse_task_state(from), b = *cascade::parse_task_state(to);
      bool listed = false;
      for (const auto& t : cascade::task_transitions) listed = listed || (t.from == a && t.to == b);
      const bool allowed = is_finished(a) ? listed : cascade::row_may_move(a, b);
      task_fields f;
      f.status = from;
      const auto id = make_task(admin, f);
      const auto r = engine.exec(
          "update cascade.task set status = s, started_at = coalesce(started_at, now()),"
          " finished_at = case when s >= 'completed' then now() end,"
          " finished_on = case when s >= 'completed' then cascade.today() end,"
          " waiting_reason = case when s = 'waiting' then 'retry_backoff'::cascade.waiting_reason "
          "end"
          " from (select $2::text::cascade.task_status as s) x where id = $1",
          pg::params{}.int8(id).text(to));
      EXPECT_EQ(r ? "ok" : r.error().sqlstate, allowed ? "ok" : "CA001") << from << " -> " << to;
    }
}

TEST_F(schema, nobody_but_the_engine_changes_states) {
  const auto task = std::to_string(make_task(admin));
  const auto job = std::to_string(make_job(admin));
  EXPECT_EQ(
      state_of(
          admin,
          "update cascade.task set status = 'cancelled', finished_at = now() where id = " + task),
      "CA001");
  EXPECT_EQ(state_of(admin, "update cascade.job set status = 'running' where id = " + job),
            "CA001");
  EXPECT_EQ(state_of(engine, "update cascade.job set status = 'running' where id = " + job), "ok");
}

TEST_F(schema, each_refusal_has_its_own_sqlstate) {
  must(admin.exec_text(
      R"(select cascade.apply_workflow('etl', '{"params": {"day": {"type": "string"},
    "n": {"type": "integer", "default": 1, "enum": [1, 2]}}, "steps": []}'))"));
  make_job(admin, {.status = "completed"});
  EXPECT_EQ(state_of(producer, "insert into cascade.job (workflow) values ('nothing')"), "CA002");
  for (const char* input : {"{}", R"({"day": 7})", R"({"day": "x", "more": 1})",
                            R"({"day": "x", "n": 3})", "[]", R"({"day": "x", "n": 1.5})"})
    EXPECT_EQ(state_of(producer,
                       std::string("insert into cascade.job (workflow, input) values ('etl', '") +
                           input + "')"),
              "CA003")
        << input;
  EXPECT_EQ(state_of(producer,
                     R"(insert into cascade.job (workflow, input) values ('etl', '{"day": "x"}'))"),
            "ok");
  EXPECT_EQ(
      value_of(admin, "select input::text || version from cascade.job where workflow = 'etl'"),
      R"({"n": 1, "day": "x"}1)");
  EXPECT_EQ(state_of(producer, "insert into cascade.task (handler, job_id) values ('x', 1)"),
            "CA004");
  EXPECT_EQ(state_of(producer, "insert into cascade.task (handler, job_id) values ('x', 404)"),
            "CA004");
  EXPECT_EQ(state_of(engine, "select cascade.cancel_job(404)"), "CA005");
  EXPECT_EQ(state_of(engine, "select cascade.cancel_task(404)"), "CA005");
  EXPECT_EQ(state_of(engine, "select cascade.explain_task(404)"), "CA005");
  EXPECT_EQ(state_of(engine, "select cascade.set_priority(1, 101)"), "CA006");
  EXPECT_EQ(state_of(engine, "select cascade.set_task_priority(1, null)"), "CA006");
  EXPECT_EQ(state_of(engine, "select cascade.set_priority(404, 90)"), "CA005");
  EXPECT_EQ(state_of(engine, "select cascade.set_task_priority(404, 90)"), "CA005");
  for (const auto& [columns, state] : std::map<std::string, std::string>{
           {"(priority) values (90)", "CA006"},
           {"(job_id, task_id, priority) values (1, 1, 90)", "CA006"},
           {"(job_id, priority, at_least) values (1, 90, true)", "CA006"},
           {"(task_id, priority) values (1, 101)", "CA006"},
           {"(task_id, priority) values (404, 90)", "CA005"},
           {"(job_id, priority) values (404, 90)", "CA005"},
           {"(task_id, priority, created_by) values (1, 90, 'somebody')", "42501"}})
    EXPECT_EQ(state_of(engine, "insert into cascade.priority_change " + columns), state) << columns;
  EXPECT_EQ(state_of(engine, "select cascade.set_decay('q', 1.5)"), "CA006");
  EXPECT_EQ(state_of(engine, "select cascade.reschedule_task(404, now())"), "CA005");
  EXPECT_EQ(state_of(engine, "select cascade.reschedule_task(1, 'infinity')"), "CA006");
}

TEST_F(schema, a_producer_inserts_the_documented_columns_and_nothing_else) {
  make_job(admin);
  make_task(admin);
  const struct {
    const char* sql;
    const char* state;
  } table[] = {
      {"insert into cascade.task (handler, payload) values ('x', '{\"id\": 7}')", "ok"},
      {"insert into cascade.task (handler, payload, queue, priority, run_at, max_attempts, "
       "timeout, unique_key,"
       " concurrency_key, requires, retry, job_id) values ('x', '{}', 'q', 1, now(), 3, '1 s', "
       "'u', 'c', '{gpu}', '{}', 1)",
       "ok"},
      {"insert into cascade.job (workflow, input, priority, keep_open) values (null, '{}', 7, "
       "true)",
       "ok"},
      {"select cascade.add_task('x')", "ok"},
      {"select cascade.start_job()", "ok"},
      {"insert into cascade.task (handler, unique_key) values ('x', 'u')", "23505"},
      {"insert into cascade.task (payload) values ('{}')", "23502"},
      {"insert into cascade.task (handler, priority) values ('x', 101)", "23514"},
      {"insert into cascade.task (handler, max_attempts) values ('x', 0)", "23514"},
      {"insert into cascade.task (handler, timeout) values ('x', '0 s')", "23514"},
      {"insert into cascade.task (handler, run_at) values ('x', 'infinity')", "23514"},
      {"insert into cascade.task (handler, queue) values ('x', '')", "23514"},
      {"insert into cascade.task (handler, retry) values ('x', '[]')", "23514"},
      {"insert into cascade.task (handler, requires) values ('x', array[null]::text[])", "23514"},
      {"insert into cascade.task (handler, priority) values ('x', 99999)", "22003"},
      {"insert into cascade.task (handler, payload) values ('x', 'nonsense')", "22P02"},
      {"insert into cascade.task (handler, status) values ('x', 'completed')", "42501"},
      {"insert into cascade.task (handler, xid) values ('x', '0')", "42501"},
      {"insert into cascade.task (handler, id) values ('x', 5)", "428C9"},
      {"insert into cascade.task (handler, attempt) values ('x', 5)", "42501"},
      {"insert into cascade.task (handler, queue) values ('x', repeat('q', 201))", "23514"},
      {"insert into cascade.task (handler) values ('')", "23514"},
      {"insert into cascade.task (handler, unique_key) values ('x', '')", "23514"},
      {"insert into cascade.task (handler, concurrency_key) values ('x', repeat('k', 1001))",
       "23514"},
      {"insert into cascade.task (handler, requires) select 'x', array_agg(i::text) from "
       "generate_series(1, 33) i",
       "23514"},
      {"insert into cascade.task (handler, timeout, run_at) values ('x', '-1 s', now() + '1 day')",
       "23514"},
      {"insert into cascade.job (status) values ('completed')", "42501"},
      {"insert into cascade.job (version) values (7)", "42501"},
      {"insert into cascade.counter_delta (n, status, queue) values (5, 'pending', 'q')", "42501"},
      {"select cascade.begin_reconciling(1, '0')", "42501"},
      {"select cascade.reconcile_step()", "42501"},
      {"insert into cascade.command (kind) values ('cancel_job')", "42501"},
      {"insert into cascade.workflow (name, version, definition) values ('w', 1, '{}')", "42501"},
      {"update cascade.task set status = 'completed'", "42501"},
      {"update cascade.task set payload = '{}'", "42501"},
      {"update cascade.lane set epoch = 9", "42501"},
      {"delete from cascade.task", "42501"},
      {"truncate cascade.task", "42501"},
      {"select payload from cascade.task", "42501"},
      {"select * from cascade.tasks", "42501"},
      {"select cascade.cancel_job(1)", "42501"},
      {"select cascade.pause_queue('q')", "42501"},
      {"select cascade.command_for_job('cancel_job', 1, '{}')", "42501"},
      {"select cascade.explain_task(1)", "42501"},
      {"select cascade.why_task(1)", "42501"},
      {"insert into cascade.task (handler, found_by) values ('x', 1)", "ok"},
      {"insert into cascade.task (handler, found_by) values ('x', 404)", "CA005"},
      {"select cascade.refer_to(1, 1)", "ok"},
      {"select cascade.set_task_priority(1, 90)", "42501"},
      {"select cascade.set_priority(1, 90)", "42501"},
      {"insert into cascade.priority_change (task_id, priority) values (1, 90)", "42501"},
      {"select * from cascade.priority_change", "42501"},
      {"select cascade.set_decay('q', 0.5)", "42501"},
      {"create table cascade.mine (n int)", "42501"},
      {"alter table cascade.task disable trigger all", "42501"},
  };
  for (const auto& t : table) EXPECT_EQ(state_of(producer, t.sql), t.state) << t.sql;
}

TEST_F(schema, a_reader_changes_nothing) {
  auto reader = database.connect("cascade_reader");
  for (const char* view : {"tasks", "jobs", "attempts", "queue_stats", "waiting_stats", "workflows",
                           "workflow_stats", "counter_repair"})
    EXPECT_EQ(state_of(reader, std::string("select * from cascade.") + view), "ok") << view;
  for (const char* sql :
       {"insert into cascade.task (handler) values ('x')", "insert into cascade.job default values",
        "update cascade.task set status = 'failed'", "select cascade.add_task('x')",
        "select cascade.cancel_job(1)", "select cascade.hold_job_open(1)",
        "select cascade.begin_reconciling(1, '0')", "select xid from cascade.task"})
    EXPECT_EQ(state_of(reader, sql), "42501") << sql;
}

TEST_F(schema, functions_with_the_owners_rights_pin_their_search_path_and_are_not_public) {
  // hold_job_open names the schema of everything instead: see the next test.
  EXPECT_EQ(value_of(admin,
                     "select string_agg(p.proname, ' ') from pg_proc p where p.pronamespace = "
                     "'cascade'::regnamespace"
                     " and p.prosecdef and not coalesce("
                     "   p.proconfig @> array['search_path=pg_catalog, pg_temp'], false)"),
            "hold_job_open");
  // What the trigger of an insert, or an index, calls with the rights of whoever inserts; they only look.
  EXPECT_EQ(
      value_of(
          admin,
          "select string_agg(p.proname, ' ' order by p.proname) from pg_proc p"
          " where p.pronamespace = 'cascade'::regnamespace"
          " and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
          "             where a.grantee = 0)"),
      "announce check_task is_period refuse_kept_key refuse_task ring unique_period");
  EXPECT_EQ(value_of(admin,
                     "select string_agg(c.relname, ' ') from pg_class c where c.relnamespace = "
                     "'cascade'::regnamespace"
                     " and c.relowner <> 'cascade_owner'::regrole"),
            "(null)");
}

// Whoever finds a name of his own in front of a built-in one would run it with the owner's rights,
// or get past the checks.
TEST_F(schema, an_insert_means_the_same_under_a_hostile_search_path) {
  must(admin.exec_text(
      "create schema hostile; grant usage on schema hostile to public;"
      "create function hostile.trap(bigint) returns bigint language plpgsql as"
      " $$ begin raise exception 'trapped'; end $$;"
      "create function hostile.trap(bigint, bigint) returns bigint language plpgsql as"
      " $$ begin raise exception 'trapped'; end $$;"
      "create function hostile.always(xid8, xid8) returns bool language sql as 'select true';"
      "create function hostile.always(timestamptz, timestamptz) returns bool language sql as"
      " 'select true';"
      "create function hostile.always(cascade.task_status, cascade.task_status) returns bool"
      " language sql as 'select true';"
      "create function hostile.always(int, int) returns bool language sql as 'select true';"
      "create function hostile.now() returns timestamptz language plpgsql as"
      " $$ begin raise exception 'trapped'; end $$;"
      "create aggregate hostile.max(bigint) (sfunc = hostile.trap, stype = bigint);"
      "create aggregate hostile.count(*) (sfunc = hostile.trap, stype = bigint, initcond = '0');"
      "create operator hostile.= (leftarg = xid8, rightarg = xid8, function = hostile.always);"
      "create operator hostile.= (leftarg = cascade.task_status, rightarg = cascade.task_status,"
      " function = hostile.always);"
      "create operator hostile.> (leftarg = timestamptz, rightarg = timestamptz,"
      " function = hostile.always);"
      "create operator hostile.>= (leftarg = int, rightarg = int, function = hostile.always);"
      "create operator hostile.<= (leftarg = int, rightarg = int, function = hostile.always);"));
  const auto job = make_job(admin);
  must(producer.exec_text("set search_path = hostile, pg_catalog"));
  const auto in_job = "insert into cascade.task (handler, job_id) values ('x', " +
                      std::to_string(job) + "), ('y', null)";
  EXPECT_EQ(state_of(producer, in_job), "ok");
  EXPECT_EQ(value_of(admin, "select string_agg(distinct status::text, ' ') from cascade.task"),
            "pending");
  EXPECT_EQ(value_of(admin, "select sum(n) from cascade.arrived() where status = 'pending'"), "2");
  EXPECT_EQ(state_of(producer, "insert into cascade.task (handler) values (repeat('x', 300))"),
            "23514");
}

TEST_F(schema, an_insert_of_several_rows_stands_for_each_and_asks_for_the_job_of_each) {
  const auto job = std::to_string(make_job(admin));
  const auto counted = [&] {
    const auto all = value_of(
        admin,
        "select string_agg(concat_ws(' ', job_id, queue, n), ', ' order by job_id, queue) from"
        " (select job_id, queue, sum(n) as n from cascade.arrived() group by 1, 2) x");
    must(admin.exec_text("delete from cascade.task"));
    return all;
  };
  const auto insert = [&](const std::string& rows) {
    return state_of(producer, "insert into cascade.task (handler, queue, job_id) " + rows);
  };
  counted();
  EXPECT_EQ(insert("values ('x', 'a', null)"), "ok");
  EXPECT_EQ(counted(), "a 1");
  EXPECT_EQ(insert("values ('x', 'a', null), ('x', 'b', null), ('x', 'a', null)"), "ok");
  EXPECT_EQ(counted(), "a 2, b 1");
  EXPECT_EQ(insert("values ('x', 'a', null), ('x', 'a', " + job + ")"), "ok");
  EXPECT_EQ(counted(), job + " a 1, a 1");
  EXPECT_EQ(insert("select 'x', 'a', null where false"), "ok");
  EXPECT_EQ(counted(), "(null)");
  for (const char* rows : {"values ('x', 'a', 999)", "values ('x', 'a', null), ('x', 'a', 999)",
                           "values ('x', 'a', 999), ('x', 'a', null)"})
    EXPECT_EQ(insert(rows), "CA004") << rows;
}
