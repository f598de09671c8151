// tests/db/job_fixture.hpp
//
// One job actor with the real recorder and cache; the test plays the scheduler: it runs what was
// released by saying how it went.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "actors/cache.hpp"
#include "actors/job.hpp"
#include "actors/recorder.hpp"
#include "tests/support/database_test.hpp"
#include "tests/support/played/played_scheduler.hpp"
#include "triggers/ready_band.hpp"

namespace cascade {

using nlohmann::json;

struct job_fixture : database_test {
  played_scheduler scheduler{*this};
  recorder_actor recorder;
  catalog_actor catalog;
  job_actor actor;
  job_id id;
  std::map<std::string, arrival> tasks;  // released, by "step" or "step#item"
  std::int64_t commands = 0;

  explicit job_fixture(std::size_t batch_rows = 1'000) {
    settings.batch_rows_max = batch_rows;
    own();
    recorder = keep(spawn_recorder(sys, context(), gateway));
    catalog = keep(spawn_cache(sys, context(), gateway));
    round_trip();
  }
  ~job_fixture() override { end_database(); }

  void define(json steps, json result = nullptr) {
    for (json& step : steps)
      if (!step.contains("handler")) step["handler"] = "work";
    json definition{{"name", "w"}, {"steps", std::move(steps)}};
    if (!result.is_null()) definition["result"] = std::move(result);
    must(admin.exec("insert into cascade.workflow (name, version, definition) values ('w', 1, $1)",
                    pg::params{}.jsonb(definition.dump())));
  }
  // A row for the job, with or without a workflow.
  void make(bool container = false, bool keep_open = false) {
    id = job_id{number("insert into cascade.job (workflow, keep_open) values (" +
                       std::string(container ? "null" : "'w'") + ", " +
                       (keep_open ? "true" : "false") + ") returning id")};
  }
  // An actor for the job's row, as the scheduler starts one.
  void spawn(bool redrive = false) {
    job_start start;
    start.job = id;
    job_arrival row;
    row.id = id;
    row.priority = 50;
    row.state = *parse_job_state(job_status());
    row.keep_open = value("select keep_open from " + job_row()) == "t";
    row.input = "{}";
    if (value("select workflow is not null from " + job_row()) == "t") {
      row.workflow = "w";
      row.version = 1;
    }
    start.fresh = row.state == job_state::pending && !redrive;
    start.arrival = std::move(row);
    start.redrive = redrive;
    actor = keep(spawn_job(sys, context(), {scheduler.actor, recorder, catalog}, start));
    settle();
  }
  void run(json steps, json result = nullptr) {
    define(std::move(steps), std::move(result));
    make();
    spawn();
  }

  // What was released since the last call, in order; "a" or "a#1".
  std::vector<std::string> released() {
    std::vector<std::string> out;
    for (arrival& a : std::exchange(scheduler.released, {})) {
      out.push_back(a.body.step + (a.body.item < 0 ? "" : "#" + std::to_string(a.body.item)));
      tasks[out.back()] = std::move(a);
    }
    return out;
  }
  std::vector<std::string> wait_released(std::size_t n) {
    until([&] { return scheduler.released.size() >= n; });
    return released();
  }
  completed_attempt attempt(const std::string& name, task_state state, std::string text) {
    const arrival& a = tasks.at(name);
    const bool ok = state == task_state::completed;
    return {a.id,           id,          a.attempt + 1, state, {}, {}, ok ? text : "",
            ok ? "" : text, a.body.step, a.body.item};
  }
  void ends(const std::string& name, std::string result = {}) {
    tell(scheduler.actor, actor,
         steps_settled{{attempt(name, task_state::completed, std::move(result))}});
    settle();
  }
  void fails(const std::string& name, std::string error = "broken") {
    tell(scheduler.actor, actor,
         steps_settled{{attempt(name, task_state::failed, std::move(error))}});
    settle();
  }
  void command(std::string kind, task_id task = {}) {
    const auto c = number("insert into cascade.command (kind, job_id) values ('" + kind + "', " +
                          std::to_string(id.value) + ") returning id");
    tell(scheduler.actor, actor, job_command{{command_id{c}, id, task, std::move(kind), {}, "{}"}});
    settle();
  }
  void wait_end() {
    until([&] { return !scheduler.ended.empty(); });
    round_trip();
    EXPECT_THAT(scheduler.ended, testing::ElementsAre(id));
  }

  std::string job_row() const { return "cascade.job where id = " + std::to_string(id.value); }
  std::string job_status() { return value("select status::text from " + job_row()); }
  // "a completed, b#0 pending"
  std::string rows() {
    return value(
        "select string_agg(step || coalesce('#' || item, '') || ' ' || status, ', ' order by step, "
        "item) from cascade.task where step is not null");
  }
};

}  // namespace cascade
