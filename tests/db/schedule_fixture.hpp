// tests/db/schedule_fixture.hpp
//
// A schedule "s" and a test that is its engine: no service runs.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/postgres.hpp"

namespace cascade::test {

struct schedule_test : testing::Test {
  test_database database;
  pg::connection admin = database.connect();
  pg::connection engine = database.connect("cascade_engine");

  void run(const std::string& sql) { must(engine.exec_text(sql)); }
  std::string value(const std::string& sql) { return value_of(engine, sql); }

  void make(const std::string& name, const std::string& more = {}, const std::string& values = {}) {
    run("insert into cascade.schedule (name, cron, handler" + more + ") values ('" + name +
        "', '0 3 * * *', 'noop'" + values + ")");
  }
  void make_with_overlap(const std::string& overlap) {
    make("s", ", overlap", ", '" + overlap + "'");
  }
  // The tick at 03:00 of a day of January 2027.
  static std::string at(int day) {
    return "timestamptz '2027-01-" + std::to_string(100 + day).substr(1) + " 03:00+00'";
  }
  std::string fire(int day) { return fire(engine, day); }
  static std::string fire(pg::connection& c, int day) {
    return value_of(c, "select cascade.fire_tick('s', " + at(day) + ")");
  }
  static std::string end_of(const std::string& which) {
    return "update cascade.job set status = 'completed', started_at = now(), finished_at = now() "
           "where " +
           which;
  }
  void finish(const std::string& which) { run(end_of(which)); }
  // "started 1, queued, ..." in the order of the ticks.
  std::string ticks() {
    return value(
        "select string_agg(concat_ws(' ', outcome, job_id), ', ' order by tick)"
        " from cascade.schedule_ticks where schedule = 's'");
  }
  std::string bells() {
    return value("select count(*) from cascade.command where kind = 'schedules_changed'");
  }
  std::string column(const std::string& name) {
    return value("select " + name + " from cascade.schedules where name = 's'");
  }
};

}  // namespace cascade::test
