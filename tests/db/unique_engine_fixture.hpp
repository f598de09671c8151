// tests/db/unique_engine_fixture.hpp
//
// Inbox, scheduler, recorder and cache on a real database, in virtual time; the test plays the pool.
#pragma once

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "actors/cache.hpp"
#include "actors/inbox.hpp"
#include "actors/recorder.hpp"
#include "actors/scheduler.hpp"
#include "tests/support/database_test.hpp"

namespace cascade {

struct unique_engine_fixture : database_test {
  pool_actor pool;
  cache_actor cache;
  recorder_actor recorder;
  scheduler_actor scheduler;
  inbox_actor inbox;
  supervisor_actor jobs;
  std::size_t slots = 1;
  std::map<std::int64_t, task_run> running;  // by id
  std::vector<std::int64_t> started;         // in order, since ever

  unique_engine_fixture() {
    pool = spawn_part<pool_actor>([this](auto*) {
      return pool_actor::behavior_type{
          [this](const attach_pool&) {
            return pool_inventory{{}, slots};
          },
          [this](const run_tasks& r) {
            for (const task_run& run : r.runs) {
              running.emplace(run.id.value, run);
              started.push_back(run.id.value);
            }
          },
          [](const cancel_run&) {},
          [](const worker_hello&) {},
          [](const tasks_done&) {},
          [](const task_beat&) {},
          [](const describe&) { return description{}; },
      };
    });
    jobs = spawn_part<supervisor_actor>([](auto*) {
      return supervisor_actor::behavior_type{
          [](const child_ready&) {},
          [](const start_child&) { return child_started{}; },
          [](const stop_child&) { return child_stopped{}; },
          [](const restart_child&) { return child_started{}; },
          [](const describe&) { return description{}; },
          [](const find_child&) { return child_found{}; },
          [](const restart_query&) { return restart_counters{}; },
      };
    });
  }
  ~unique_engine_fixture() override { end_database(); }

  void run() {
    own();
    cache = keep(spawn_cache(sys, context(), gateway));
    recorder = keep(spawn_recorder(sys, context(), gateway, cache));
    scheduler = keep(spawn_scheduler(sys, context(), {gateway, pool, recorder, cache, jobs}));
    inbox = keep(spawn_inbox(sys, context(), gateway, scheduler, recorder, cache));
    until([&] { return !readiness.empty() && readiness.back(); });
    round_trip();
  }
  // In one transaction; the inbox is told as by the bell.
  std::int64_t push(const std::string& arguments) {
    const auto id = number("select cascade.add_task('work', " + arguments + ")");
    look();
    return id;
  }
  void look() {
    tell(pool, inbox, bell{});
    round_trip();
    elapse(std::chrono::milliseconds(5));
    round_trip();
  }
  // Until every command has been carried out.
  void carried_out() {
    look();
    until([&] {
      return number("select count(*) from cascade.command where applied_at is null") == 0;
    });
    look();
  }
  void wait_start(std::int64_t id) {
    until([&] { return running.contains(id); });
  }
  void finish(std::int64_t id, outcome how = outcome::success()) {
    const task_run run = running.extract(id).mapped();
    const monotonic now = sched.clock().now();
    tell(pool, scheduler, tasks_done{{{run.id, run.attempt, now, now, std::move(how)}}});
    round_trip();
    round_trip();
  }
  std::string payload(std::int64_t id) { return running.at(id).payload; }
  std::string outcomes() {
    return value("select coalesce(string_agg(outcome, '; ' order by id), '') from cascade.command");
  }
};

}  // namespace cascade
