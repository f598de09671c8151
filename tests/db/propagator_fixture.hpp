// tests/db/propagator_fixture.hpp
//
// The propagator and the recorder on a real database, in virtual time; the test plays the scheduler
// and the inbox.
#pragma once

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "actors/propagator.hpp"
#include "actors/recorder.hpp"
#include "tests/support/database_test.hpp"
#include "tests/support/played/played_scheduler.hpp"

namespace cascade {

struct propagator_fixture : database_test {
  played_scheduler scheduler{*this};
  inbox_actor inbox;
  int synced = 0;  // times that the inbox was asked for what is new
  recorder_actor recorder;
  propagator_actor actor;
  pg::connection other = database.connect();

  propagator_fixture() {
    inbox = spawn_part<inbox_actor>([this](auto*) {
      return inbox_actor::behavior_type{
          [](const console_query&) { return console_answer{}; },
          [](const database_changed&) {},
          [](const bell&) {},
          [](const begin_load&) {},
          [](const page_taken&) {},
          [](const attach_priorities&) {},
          [this](const sync_inbox&) {
            ++synced;
            return inbox_synced{};
          },
          [](const describe&) { return description{}; },
      };
    });
  }
  ~propagator_fixture() override { end_database(); }

  void spawn() {
    recorder = keep(spawn_recorder(sys, context(), gateway));
    actor = keep(spawn_propagator(sys, context(), {gateway, recorder, scheduler.actor, inbox}));
    rest();
  }
  void run() {
    own();
    spawn();
  }
  nlohmann::json shown() {
    return nlohmann::json::parse(ask<description>(actor, describe{})->detail);
  }
  // Until nothing is to be done before time passes.
  void rest() {
    until([this] { return ask<description>(actor, describe{})->state == "idle"; });
  }
  // What the inbox says when it heard of something.
  void tell_of_changes() {
    tell(inbox, actor, priorities_changed{});
    rest();
  }
  void change(const std::string& sql) {
    must(admin.exec_text(sql));
    tell_of_changes();
  }
  void pass(caf::timespan t) {
    elapse(t);
    rest();
  }

  void make_tasks(int n, const std::string& job = "null") {
    run_sql("insert into cascade.task (handler, job_id) select 'work', " + job +
            " from generate_series(1, " + std::to_string(n) + ")");
  }
  std::string priority(std::int64_t id) {
    return value("select priority from cascade.task where id = " + std::to_string(id));
  }
  std::string waiting() { return value("select count(*) from cascade.priority_change"); }
  // "2=90 3=10": what the scheduler was told since the last call, jobs as "job 7=90".
  std::string told() {
    std::string out;
    for (const auto& r : std::exchange(scheduler.told, {})) {
      for (const auto& j : r.jobs)
        out += "job " + std::to_string(j.job.value) + "=" + std::to_string(j.priority) + " ";
      for (const auto& t : r.tasks)
        out += std::to_string(t.task.value) + "=" + std::to_string(t.priority) + " ";
    }
    if (!out.empty()) out.pop_back();
    return out;
  }
};

}  // namespace cascade
