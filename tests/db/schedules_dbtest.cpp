// The actor that fires schedules, on a real database. What cascade.fire_tick does is
// schedule_dbtest.cpp; which ticks there are, tests/unit/schedule_plan_test.cpp.
#include "actors/schedules.hpp"

#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/database_test.hpp"
#include "tests/support/played/played_scheduler.hpp"

namespace cascade {
namespace {

struct schedules : database_test {
  played_scheduler scheduler{*this};
  schedules_actor actor;
  std::ostringstream log;

  ~schedules() override { end_database(); }

  void run() {
    own();
    context()->log->sinks() = {std::make_shared<spdlog::sinks::ostream_sink_mt>(log, true)};
    actor = keep(spawn_schedules(sys, context(), gateway, scheduler.actor));
    settle();
  }
  // `fields` and `values` beside a handler and an interval of an hour that began at a full one.
  void make(const std::string& name, const std::string& fields = "",
            const std::string& values = "") {
    run_sql("insert into cascade.schedule (name, every, handler, handled_to" + fields +
            ") values ('" + name + "', '1 hour', 'noop', now()" + values + ")");
  }
  void changed() {
    tell(scheduler.actor, actor, schedules_changed{});
    settle();
  }
  nlohmann::json shown() {
    return nlohmann::json::parse(ask<description>(actor, describe{})->detail);
  }
  std::string ticks(const std::string& name) {
    return value(
        "select coalesce(string_agg(outcome, ' ' order by tick), 'none') from "
        "cascade.schedule_tick where schedule = '" +
        name + "'");
  }
  // With a transaction that is open; the actor has put it off.
  pg::connection somebody_changes_a_due_one() {
    run_sql(
        "insert into cascade.schedule (name, every, handler, starts_at, handled_to) values "
        "('busy', '1 hour', 'noop', now() - interval '90 minutes', now() - interval '1 hour')");
    auto other = database.connect();
    must(other.exec_text("begin; update cascade.schedule set priority = 7"));
    run();
    until([&] { return shown()["failures"] > 0; });
    return other;
  }
  void until_value(const std::string& sql, const std::string& expected) {
    until([&] { return value(sql) == expected; });
  }
};

TEST_F(schedules, what_was_missed_is_made_up_for_and_the_next_tick_is_shown) {
  make("last", "", "");
  make("all", ", catch_up, catch_up_max", ", 'all', 3");
  make("skip", ", catch_up", ", 'skip'");
  // No tick of theirs is so near that a slow machine would see another.
  run_sql(
      "update cascade.schedule set starts_at = now() - interval '20 hours 30 minutes', "
      "handled_to = now() - interval '10 hours'");
  run();
  until_value("select count(*) from cascade.schedule where next_tick > now()", "3");
  EXPECT_EQ(ticks("last"), "started");
  EXPECT_EQ(ticks("all"), "started started started");
  EXPECT_EQ(ticks("skip"), "none");
  EXPECT_EQ(value("select count(*) from cascade.job where schedule is not null"), "4");
  EXPECT_EQ(
      value("select max(handled_to) > now() - interval '1 minute' from cascade.schedule where "
            "name = 'skip'"),
      "t");
}

TEST_F(schedules, better_readings_of_the_clock_leave_no_heap_of_wake_ups) {
  make("near", ", starts_at", ", now() + interval '30 seconds'");  // each one moves its wake-up
  run();
  until_value("select count(*) from cascade.schedule where next_tick is not null", "1");
  const auto armed = [this] { return sched.clock().schedule().size(); };
  const auto before = armed();
  const instant here = instant_of(std::stoll(value("select cascade.instant_us(now())")));
  for (int i = 1; i <= 100; ++i) {
    tell(scheduler.actor, actor, clock_read{{sched.clock().now(), here + i * 10us}});
    settle();
  }
  EXPECT_LE(armed(), before + 2);  // the first one, and the millisecond of the others
}

TEST_F(schedules, a_tick_fires_when_the_databases_clock_says_so) {
  run_sql(
      "insert into cascade.schedule (name, every, handler, starts_at) values ('soon', '1 day', "
      "'noop', clock_timestamp() + interval '1 hour')");
  run();
  until_value("select count(*) from cascade.schedule where next_tick is not null", "1");
  EXPECT_EQ(ticks("soon"), "none");
  elapse(59min + 50s);
  round_trip();
  EXPECT_EQ(ticks("soon"), "none");
  elapse(11s);
  until_value("select count(*) from cascade.schedule_tick", "1");
  EXPECT_EQ(value("select tick = starts_at from cascade.schedule_tick, cascade.schedule"), "t");
  elapse(1h);
  round_trip();
  EXPECT_EQ(ticks("soon"), "started") << "once";
}

TEST_F(schedules, a_change_is_heard_and_what_cannot_be_understood_is_said) {
  run();
  round_trip();
  EXPECT_EQ(shown()["schedules"], 0);
  run_sql(
      "insert into cascade.schedule (name, cron, handler) values ('bad', '61 * * * *', 'noop'), "
      "('zone', '0 3 * * *', 'noop')");
  run_sql("update cascade.schedule set time_zone = 'Europe/Berln' where name = 'zone'");
  changed();
  until_value("select count(*) from cascade.schedule where problem is not null", "2");
  EXPECT_THAT(value("select problem from cascade.schedule where name = 'zone'"),
              testing::HasSubstr("Europe/Berlin"));
  run_sql("update cascade.schedule set cron = '*/5 * * * *', time_zone = 'UTC'");
  changed();
  until_value(
      "select count(*) from cascade.schedule where problem is null and next_tick is not null", "2");
  run_sql("delete from cascade.schedule");
  changed();
  until([&] { return shown()["schedules"] == 0; });
}

TEST_F(schedules, what_is_broken_is_logged_when_it_is_new_and_not_at_each_look) {
  const auto logged = [this] {
    int n = 0;
    const std::string all = log.str(), what = "cascade.schedules.broken";
    for (auto at = all.find(what); at != std::string::npos; at = all.find(what, at + 1)) ++n;
    return n;
  };
  const std::string bad =
      "insert into cascade.schedule (name, cron, handler) values ('bad', '61 * * * *', 'noop')";
  run_sql(bad);
  run();
  until_value("select count(*) from cascade.schedule where problem is not null", "1");
  EXPECT_EQ(logged(), 1);
  make("good");
  changed();
  until_value("select count(*) from cascade.schedule where next_tick is not null", "1");
  EXPECT_EQ(logged(), 1) << "the same as before";
  run_sql("update cascade.schedule set cron = '62 * * * *' where name = 'bad'");
  changed();
  until_value("select count(*) from cascade.schedule where problem like '%62%'", "1");
  EXPECT_EQ(logged(), 2) << "another problem";
  run_sql("delete from cascade.schedule where name = 'bad'");
  changed();
  until([&] { return shown()["schedules"] == 1; });
  run_sql(bad);
  changed();
  until_value("select count(*) from cascade.schedule where problem is not null", "1");
  EXPECT_EQ(logged(), 3) << "a new one of that name";
}

TEST_F(schedules, a_schedule_that_somebody_is_changing_fires_when_he_is_done) {
  auto other = somebody_changes_a_due_one();
  EXPECT_EQ(ticks("busy"), "none");
  must(other.exec_text("commit"));
  elapse(1s);
  until_value("select count(*) from cascade.schedule_tick", "1");
  EXPECT_EQ(value("select priority from cascade.job"), "7");
}

TEST_F(schedules, an_owner_that_is_lost_while_something_is_put_off_goes_on) {
  auto other = somebody_changes_a_due_one();
  lose_connection();
  elapse(1s);
  must(other.exec_text("commit"));
  reconnect();
  until_value("select count(*) from cascade.schedule_tick", "1");
}

TEST_F(schedules, a_lost_connection_is_made_up_for) {
  make("hourly");
  run();
  until_value("select count(*) from cascade.schedule where next_tick is not null", "1");
  end_sessions("schedules");
  elapse(1h + 1s);
  until([&] { return shown()["failures"] > 0; });
  elapse(1s);
  until([&] { return shown()["schedules"] == 1; });
  EXPECT_EQ(shown()["last_problem"], "");
}

}  // namespace
}  // namespace cascade
