// What fires once, and what happens when jobs of a schedule overlap.
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

struct schedule : test::schedule_test {};

TEST_F(schedule, a_tick_starts_its_job_once) {
  make("s", ", input, tick_parameter, queue, tenant, priority",
       R"(, '{"full": true}', 'day', 'nights', 'acme', 70)");
  EXPECT_EQ(fire(5), "started");
  EXPECT_EQ(fire(5), "already");
  EXPECT_EQ(ticks(), "started 1");
  EXPECT_EQ(
      value("select concat_ws(' ', j.schedule, j.scheduled_for = " + at(5) +
            ", j.priority, t.handler, t.queue, t.tenant, t.priority, t.payload) from cascade.jobs j"
            " join cascade.tasks t on t.job_id = j.id"),
      R"(s t 70 noop nights acme 70 {"day": "2027-01-05T03:00:00Z", "full": true})");
  EXPECT_EQ(value("select handled_to = " + at(5) + " from cascade.schedule"), "t");
  // One that is dealt with late, after a later one, does not turn the clock back.
  EXPECT_EQ(fire(4), "started");
  EXPECT_EQ(value("select handled_to = " + at(5) + " from cascade.schedule"), "t");
}

TEST_F(schedule, a_workflow_gets_the_input_and_is_pinned) {
  run(R"(select cascade.apply_workflow('etl', '{"params": {"day": {"type": "string"},
      "n": {"type": "integer", "default": 1}}, "steps": []}'))");
  run("insert into cascade.schedule (name, every, workflow, tick_parameter)"
      " values ('s', '1 hour', 'etl', 'day')");
  must(engine.exec(sql::fire_tick.text, pg::params{}.text("s").int8(1'800'000'000'000'001)));
  EXPECT_EQ(value("select input::text || version from cascade.jobs"),
            R"({"n": 1, "day": "2027-01-15T08:00:00.000001Z"}1)");
}

TEST_F(schedule, of_two_that_fire_a_tick_one_starts_a_job_and_nobody_waits) {
  make("s");
  auto other = database.connect("cascade_engine");
  run("begin");
  EXPECT_EQ(fire(1), "started");
  EXPECT_EQ(fire(other, 1), "busy");
  run("commit");
  EXPECT_EQ(fire(other, 1), "already");
  EXPECT_EQ(value("select count(*) from cascade.jobs"), "1");
  must(other.exec_text("begin; update cascade.schedule set priority = 7"));
  EXPECT_EQ(fire(2), "busy") << "somebody's open transaction stops nobody";
  must(other.exec_text("rollback"));
  EXPECT_EQ(fire(2), "started");
}

TEST_F(schedule, what_is_gone_or_paused_does_not_fire) {
  EXPECT_EQ(fire(1), "gone");
  make("s");
  run("select cascade.pause_schedule('s')");
  EXPECT_EQ(fire(1), "gone");
  run("select cascade.resume_schedule('s')");
  EXPECT_EQ(fire(1), "started");
}

TEST_F(schedule, allow_lets_jobs_overlap) {
  make_with_overlap("allow");
  fire(1), fire(2);
  EXPECT_EQ(ticks(), "started 1, started 2");
}

TEST_F(schedule, skip_leaves_out_what_would_overlap) {
  make_with_overlap("skip");
  EXPECT_EQ(fire(1), "started");
  EXPECT_EQ(fire(2), "skipped");
  EXPECT_EQ(value("select error from cascade.schedule_ticks where outcome = 'skipped'"),
            "job 1 has not finished");
  finish("id = 1");
  EXPECT_EQ(fire(3), "started");
}

TEST_F(schedule, cancel_ends_what_runs_once_the_new_one_has_started) {
  make_with_overlap("cancel");
  fire(1), fire(2);
  EXPECT_EQ(ticks(), "started 1, started 2");
  EXPECT_EQ(value("select string_agg(kind || ' ' || job_id, ', ') from cascade.command"
                  " where job_id is not null"),
            "cancel_job 1");
  // Nothing is ended for the sake of a job that cannot start.
  run("update cascade.schedule set handler = null, workflow = 'none'");
  EXPECT_EQ(fire(3), "failed");
  EXPECT_EQ(value("select count(*) from cascade.command where kind = 'cancel_job'"), "1");
}

TEST_F(schedule, queue_starts_the_oldest_tick_when_the_job_before_ends) {
  make_with_overlap("queue");
  EXPECT_EQ(fire(1), "started");
  EXPECT_EQ(fire(3), "queued");
  EXPECT_EQ(fire(2), "queued");
  EXPECT_EQ(ticks(), "started 1, queued, queued");
  EXPECT_EQ(column("queued || ' ' || unfinished"), "2 1");
  finish("id = 1");
  EXPECT_EQ(ticks(), "started 1, started 2, queued");
  EXPECT_EQ(value("select scheduled_for = " + at(2) + " from cascade.jobs where id = 2"), "t");
  finish("id = 2");
  EXPECT_EQ(ticks(), "started 1, started 2, started 3");
  finish("id = 3");
  EXPECT_EQ(fire(4), "started");
}

TEST_F(schedule, jobs_that_end_together_start_one_tick) {
  make_with_overlap("allow");
  fire(1), fire(2);
  run("update cascade.schedule set overlap = 'queue'");
  fire(3), fire(4);
  finish("true");
  EXPECT_EQ(ticks(), "started 1, started 2, started 3, queued");
}

TEST_F(schedule, a_queue_is_bounded) {
  make_with_overlap("queue");
  for (int i = 0; i <= 100; ++i)
    run("select cascade.fire_tick('s', now() + interval '1 hour' * " + std::to_string(i) + ")");
  EXPECT_EQ(column("queued"), "100");
  EXPECT_EQ(value("select cascade.fire_tick('s', now() + interval '200 hours')"), "skipped");
  EXPECT_EQ(value("select error from cascade.schedule_ticks where outcome = 'skipped'"),
            "100 ticks wait for their turn");
}

TEST_F(schedule, the_end_of_a_job_waits_for_nobody_and_what_it_left_is_started_later) {
  make_with_overlap("queue");
  fire(1), fire(2);
  auto user = database.connect("cascade_engine");
  must(user.exec_text("begin; update cascade.schedule set priority = 7"));
  const auto before = bells();
  finish("id = 1");
  EXPECT_EQ(ticks(), "started 1, queued");
  EXPECT_NE(bells(), before) << "the engine is told to look again";
  EXPECT_EQ(value("select cascade.start_queued_ticks()"), "1") << "still locked";
  must(user.exec_text("rollback"));
  EXPECT_EQ(value("select cascade.start_queued_ticks()"), "0");
  EXPECT_EQ(ticks(), "started 1, started 2");
  EXPECT_EQ(value("select cascade.start_queued_ticks()"), "0");
  EXPECT_EQ(ticks(), "started 1, started 2") << "its job has not finished";
}

// Neither sees the other's rows: without the lock both would go home, and the tick would wait for
// ever.
TEST_F(schedule, a_tick_that_is_queued_while_the_job_ends_is_not_lost) {
  make_with_overlap("queue");
  fire(1);
  auto other = database.connect("cascade_engine");
  const auto before = bells();
  run("begin");
  EXPECT_EQ(fire(2), "queued");
  must(other.exec_text(end_of("id = 1")));
  run("commit");
  EXPECT_EQ(ticks(), "started 1, queued");
  EXPECT_NE(bells(), before) << "the engine is told to look";
  EXPECT_EQ(value("select cascade.start_queued_ticks()"), "0");
  EXPECT_EQ(ticks(), "started 1, started 2");

  run("begin");
  finish("id = 2");
  EXPECT_EQ(fire(other, 3), "busy");
  run("commit");
  EXPECT_EQ(fire(other, 3), "started");
}

TEST_F(schedule, two_jobs_that_end_at_once_do_not_leave_the_start_to_each_other) {
  make_with_overlap("allow");
  fire(1), fire(2);
  run("update cascade.schedule set overlap = 'queue'");
  fire(3);
  auto other = database.connect("cascade_engine");
  run("begin");
  finish("id = 1");
  const auto before = bells();
  must(other.exec_text(end_of("id = 2")));
  run("commit");
  EXPECT_EQ(ticks(), "started 1, started 2, queued");
  EXPECT_NE(bells(), before);
  run("select cascade.start_queued_ticks()");
  EXPECT_EQ(ticks(), "started 1, started 2, started 3");
}

TEST_F(schedule, a_start_that_fails_is_recorded_and_the_next_one_mends_it) {
  run("insert into cascade.schedule (name, cron, workflow) values ('s', '0 3 * * *', 'late')");
  EXPECT_EQ(fire(1), "failed");
  EXPECT_EQ(fire(1), "already");
  EXPECT_EQ(column("problem"), "there is no workflow \"late\" (CA002)");
  EXPECT_EQ(value("select handled_to = " + at(1) + " from cascade.schedule"), "t");
  run(R"(select cascade.apply_workflow('late', '{"params": {"day": {"type": "string"}}, "steps": []}'))");
  EXPECT_EQ(fire(2), "failed");
  EXPECT_THAT(column("problem"), HasSubstr("parameter \"day\" is missing (CA003)"));
  run("update cascade.schedule set tick_parameter = 'day'");
  EXPECT_EQ(fire(3), "started");
  EXPECT_EQ(column("problem"), "(null)");
}

TEST_F(schedule, a_queued_tick_that_cannot_start_neither_fails_the_batch_nor_holds_up_the_next) {
  make_with_overlap("queue");
  fire(1), fire(2), fire(3);
  run("update cascade.schedule set handler = null, workflow = 'none'");
  finish("id = 1");
  EXPECT_EQ(ticks(), "started 1, failed, failed");
  EXPECT_EQ(value("select status from cascade.jobs where id = 1"), "completed");
}

TEST_F(schedule, what_goes_away_by_itself_is_no_failure_of_the_tick) {
  make_with_overlap("queue");
  must(
      admin.exec_text("create function cascade.deadlock() returns trigger language plpgsql as"
                      " $$ begin raise exception using errcode = '40P01'; end $$;"
                      "create trigger job_990_test before insert on cascade.job for each row"
                      " execute function cascade.deadlock()"));
  EXPECT_EQ(state_of(engine, "select cascade.fire_tick('s', now())"), "40P01");
  EXPECT_EQ(ticks(), "(null)");
  must(admin.exec_text("alter table cascade.job disable trigger job_990_test"));
  fire(1), fire(2);
  must(admin.exec_text("alter table cascade.job enable trigger job_990_test"));
  finish("schedule = 's'");
  EXPECT_EQ(ticks(), "started 2, queued") << "the batch went through";
  must(admin.exec_text("alter table cascade.job disable trigger job_990_test"));
  run("select cascade.start_queued_ticks()");
  EXPECT_THAT(ticks(), HasSubstr(", started"));
}

TEST_F(schedule, ticks_that_wait_do_not_start_during_a_pause) {
  make_with_overlap("queue");
  fire(1), fire(2);
  run("select cascade.pause_schedule('s')");
  finish("id = 1");
  run("select cascade.start_queued_ticks()");
  EXPECT_EQ(ticks(), "started 1, queued");
  run("select cascade.resume_schedule('s')");
  run("select cascade.start_queued_ticks()");
  EXPECT_EQ(ticks(), "started 1, started 2");
}

TEST_F(schedule, triggering_is_outside_of_the_times) {
  make("s", ", handled_to, overlap", ", '2026-01-01', 'skip'");
  run("select cascade.pause_schedule('s')");
  run("update cascade.schedule set handled_to = '2026-01-01'");
  EXPECT_EQ(value("select outcome || ' ' || job_id from cascade.trigger_schedule('s')"),
            "started 1");
  EXPECT_EQ(value("select handled_to = '2026-01-01' from cascade.schedule"), "t");
  EXPECT_EQ(value("select outcome || ': ' || error from cascade.trigger_schedule('s')"),
            "skipped: job 1 has not finished");
  EXPECT_EQ(state_of(engine, "select cascade.trigger_schedule('none')"), "CA005");
  EXPECT_EQ(state_of(engine, "select cascade.pause_schedule('none')"), "CA005");
  EXPECT_EQ(state_of(engine, "select cascade.resume_schedule('none')"), "CA005");
  EXPECT_EQ(state_of(engine, "select cascade.drop_schedule('none')"), "CA005");
}

TEST_F(schedule, a_dropped_schedule_leaves_its_record_and_nothing_that_waits) {
  make_with_overlap("queue");
  fire(1), fire(2);
  run("select cascade.drop_schedule('s')");
  EXPECT_EQ(ticks(), "started 1, skipped");
  finish("id = 1");
  EXPECT_EQ(value("select cascade.start_queued_ticks()"), "0");
  EXPECT_EQ(value("select count(*) from cascade.jobs"), "1");
}

}  // namespace
}  // namespace cascade
