// The rows of schedules: what they may hold, who may write them, and who hears of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/queries.hpp"
#include "tests/db/schedule_fixture.hpp"

namespace cascade {
namespace {

using test::must;
using test::state_of;
using test::value_of;
using testing::HasSubstr;

struct schedule_rows : test::schedule_test {};

TEST_F(schedule_rows, the_engine_hears_of_what_others_change_and_not_of_its_own_writing) {
  make("s");
  EXPECT_EQ(bells(), "1");
  fire(1);
  must(engine.exec(sql::mark_schedules.text,
                   pg::params{}
                       .texts(std::vector<std::string>{"s"})
                       .int8s(std::vector<std::int64_t>{1'800'000'000'000'000})
                       .int8s(std::vector<std::int64_t>{1'800'000'000'000'000})
                       .texts(std::vector<std::string>{"no such zone"})));
  EXPECT_EQ(bells(), "1");
  EXPECT_EQ(column("problem"), "no such zone");
  run("update cascade.schedule set cron = cron, priority = 50");
  EXPECT_EQ(bells(), "1") << "nothing changed";
  run("begin");
  run("update cascade.schedule set priority = 51");
  run("update cascade.schedule set jitter = '1 minute'");
  run("commit");
  EXPECT_EQ(bells(), "2") << "once a transaction";
  run("begin; update cascade.schedule set priority = 52; commit;"
      " begin; update cascade.schedule set priority = 53; commit");
  EXPECT_EQ(bells(), "4") << "each transaction, also of one message";
  run("select cascade.pause_schedule('s'), cascade.pause_schedule('s')");
  EXPECT_EQ(bells(), "5");
  run("delete from cascade.schedule");
  EXPECT_EQ(bells(), "6");
  EXPECT_EQ(value("select distinct created_by = session_user from cascade.command"), "t");
}

TEST_F(schedule_rows, new_times_start_now_and_other_changes_leave_them_alone) {
  make("s", ", handled_to, next_tick, problem", ", '2026-01-01', '2026-01-02', 'bad'");
  run("update cascade.schedule set priority = 7, overlap = 'skip', input = '{\"a\": 1}'");
  EXPECT_EQ(
      value("select concat_ws(' ', handled_to = '2026-01-01', next_tick = '2026-01-02', problem)"
            " from cascade.schedule"),
      "t t bad");
  run("update cascade.schedule set cron = '0 4 * * *'");
  EXPECT_EQ(value("select concat_ws(' ', handled_to > now() - interval '1 minute',"
                  " coalesce(next_tick::text, 'none'), coalesce(problem, 'none'))"
                  " from cascade.schedule"),
            "t none none");
  run("update cascade.schedule set handled_to = '2026-01-01'");
  run("select cascade.pause_schedule('s')");
  run("update cascade.schedule set handled_to = '2026-01-01'");
  run("select cascade.resume_schedule('s')");
  EXPECT_EQ(value("select handled_to > now() - interval '1 minute' from cascade.schedule"), "t")
      << "a pause is not an outage";
}

TEST_F(schedule_rows, the_engine_loads_what_may_fire_and_marks_only_what_changes) {
  make("paused", ", paused", ", true");
  run("insert into cascade.schedule (name, every, handler, jitter, starts_at, handled_to, "
      "time_zone)"
      " values ('s', '90 s', 'noop', '2 s', '2027-01-15 08:00:00.000001+00', '2027-01-15 08:00+00',"
      " 'Europe/Berlin')");
  const auto all = must(engine.exec(sql::load_schedules.text));
  ASSERT_EQ(all.size(), 1);
  EXPECT_EQ(all.text(0, 0), "s");
  EXPECT_TRUE(all.is_null(0, 1)) << "cron";
  EXPECT_EQ(all.int64(0, 2), 90'000'000);
  EXPECT_EQ(all.text(0, 3), "Europe/Berlin");
  EXPECT_EQ(all.int64(0, 4), 1'800'000'000'000'001) << "starts_at";
  EXPECT_TRUE(all.is_null(0, 5)) << "ends_at";
  EXPECT_EQ(all.int64(0, 6), 1'800'000'000'000'000) << "handled_to";
  EXPECT_EQ(all.int64(0, 7), 2'000'000);
  EXPECT_EQ(all.text(0, 8), "last");
  EXPECT_EQ(all.int32(0, 9), 10);
  EXPECT_GT(all.int64(0, 10), 1'700'000'000'000'000);

  const auto mark = [&](const std::string& arrays) {
    must(engine.exec_text("prepare mark as " + std::string(sql::mark_schedules.text)));
    must(engine.exec_text("execute mark(" + arrays + "); deallocate mark"));
    return value(
        "select concat_ws(' ', xmin, coalesce(cascade.instant_us(next_tick), 0),"
        " cascade.instant_us(handled_to), coalesce(problem, 'none'))"
        " from cascade.schedule where name = 's'");
  };
  const auto once = mark("'{s,none}', '{1800000000000002,7}', '{null,null}', '{null,null}'");
  EXPECT_THAT(once, HasSubstr(" 1800000000000002 1800000000000000 none"));
  EXPECT_EQ(mark("'{s}', '{1800000000000002}', '{1700000000000000}', '{null}'"), once)
      << "not written again, and never back";
  EXPECT_THAT(mark("'{s}', '{null}', '{1800000000000009}', '{bad}'"),
              HasSubstr(" 0 1800000000000009 bad"));
  auto user = database.connect("cascade_engine");
  must(user.exec_text("begin; update cascade.schedule set priority = 7"));
  EXPECT_THAT(mark("'{s}', '{null}', '{null}', '{null}'"), HasSubstr(" bad")) << "passed over";
}

TEST_F(schedule_rows, rows_that_make_no_sense_are_refused) {
  for (const char* columns : {"(name, handler) values ('x', 'h')",
                              "(name, cron, every, handler) values ('x', '*', '1 s', 'h')",
                              "(name, cron) values ('x', '*')",
                              "(name, cron, handler, workflow) values ('x', '*', 'h', 'w')",
                              "(name, cron, workflow, queue) values ('x', '*', 'w', 'q')",
                              "(name, cron, handler) values ('', '*', 'h')",
                              "(name, cron, handler) values ('x', '', 'h')",
                              "(name, every, handler) values ('x', '0.9 s', 'h')",
                              "(name, every, handler) values ('x', '1 month', 'h')",
                              "(name, every, handler) values ('x', '1 year', 'h')",
                              "(name, every, handler) values ('x', '3651 days', 'h')",
                              "(name, cron, handler, jitter) values ('x', '*', 'h', '25 hours')",
                              "(name, cron, handler, jitter) values ('x', '*', 'h', '-1 s')",
                              "(name, cron, handler, overlap) values ('x', '*', 'h', 'wait')",
                              "(name, cron, handler, catch_up) values ('x', '*', 'h', 'some')",
                              "(name, cron, handler, catch_up_max) values ('x', '*', 'h', 0)",
                              "(name, cron, handler, priority) values ('x', '*', 'h', 101)",
                              "(name, cron, handler, input) values ('x', '*', 'h', '[]')",
                              "(name, cron, handler, starts_at) values ('x', '*', 'h', 'infinity')",
                              "(name, cron, handler, starts_at, ends_at) values ('x', '*', 'h', "
                              "'2026-01-02', '2026-01-01')"})
    EXPECT_EQ(state_of(engine, std::string("insert into cascade.schedule ") + columns), "23514")
        << columns;
}

TEST_F(schedule_rows, each_role_may_do_its_part) {
  make("s");
  auto producer = database.connect("cascade_producer"), reader = database.connect("cascade_reader");
  for (const char* sql :
       {"insert into cascade.schedule (name, cron, handler) values ('x', '*', 'h')",
        "update cascade.schedule set paused = true", "delete from cascade.schedule",
        "insert into cascade.schedule_tick (schedule, tick, outcome) values ('s', now(), "
        "'skipped')",
        "select cascade.fire_tick('s', now())", "select cascade.trigger_schedule('s')",
        "select cascade.pause_schedule('s')", "select cascade.drop_schedule('s')",
        "select cascade.start_queued_ticks()", "select cascade.announce_schedules()",
        "insert into cascade.job (schedule) values ('s')",
        "insert into cascade.job (scheduled_for) values (now())"})
    for (auto* c : {&producer, &reader}) EXPECT_EQ(state_of(*c, sql), "42501") << sql;
  EXPECT_EQ(state_of(reader, "select * from cascade.schedules"), "ok");
  EXPECT_EQ(state_of(reader, "select * from cascade.schedule_ticks"), "ok");
  EXPECT_EQ(state_of(producer, "select * from cascade.schedules"), "42501");
  // One command alone, as the contract says.
  must(admin.exec_text(
      "begin; create role schedule_support; grant usage on schema cascade to schedule_support;"
      "grant execute on function cascade.trigger_schedule, cascade.pause_schedule,"
      " cascade.change_schedule to schedule_support; set local role schedule_support"));
  EXPECT_EQ(state_of(admin, "select cascade.trigger_schedule('s')"), "ok");
  EXPECT_EQ(state_of(admin, "select cascade.pause_schedule('s')"), "ok");
  EXPECT_EQ(state_of(admin, "select cascade.drop_schedule('s')"), "42501");
  must(admin.exec_text("rollback"));
}

TEST_F(schedule_rows, old_ticks_leave_with_the_days_that_are_not_kept_but_the_last_one_stays) {
  make("s");
  make("quiet");
  must(admin.exec_text(
      "insert into cascade.schedule_tick (schedule, tick, fired_at, outcome) values"
      " ('s', now() - interval '40 days', now() - interval '40 days', 'skipped'),"
      " ('s', now() - interval '30 days', now() - interval '30 days', 'queued'),"
      " ('s', now() - interval '20 days', now() - interval '20 days', 'skipped'),"
      " ('s', now(), now(), 'skipped'),"
      " ('quiet', now() - interval '400 days', now() - interval '400 days', 'skipped'),"
      " ('dropped', now() - interval '30 days', now() - interval '30 days', 'skipped')"));
  EXPECT_EQ(value_of(admin, "select cascade.retention_step(14)"), "");
  EXPECT_EQ(value("select string_agg(schedule || ' ' || outcome, ', ' order by schedule, tick)"
                  " from cascade.schedule_ticks"),
            "quiet skipped, s queued, s skipped");
  EXPECT_EQ(value_of(admin, "select cascade.retention_step(14)"), "(null)");
}

}  // namespace
}  // namespace cascade
