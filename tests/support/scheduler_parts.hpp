// tests/support/scheduler_parts.hpp
//
// Everybody around the scheduler: pool, recorder, catalog, the supervisor of jobs, job actors and
// the inbox. Nothing is answered by itself but the pool's inventory and a new page's start_child.
#pragma once

#include <gmock/gmock.h>

#include <deque>
#include <map>
#include <nlohmann/json.hpp>

#include "actors/scheduler.hpp"
#include "tests/support/engine_test.hpp"

namespace cascade {

using ids = std::vector<std::int64_t>;

class scheduler_parts {
public:
  engine_test& test;
  std::size_t slots = 4;
  std::vector<running_now> still_running;  // the pool's inventory
  pool_actor pool;
  recorder_actor recorder;
  catalog_actor catalog;
  supervisor_actor jobs;
  inbox_actor inbox;
  scheduler_actor scheduler;

  std::vector<task_run> slot_runs, quick_runs;  // handed out; taken by started()
  ids stopped;                                  // cancel_run
  std::deque<settlement> written;               // on their way to the database
  std::vector<begin_load> loads;
  std::vector<page_taken> taken;
  int bells = 0;
  std::vector<std::string> job_starts;  // names of start_child
  struct job_part {
    job_actor actor;
    std::vector<completed_attempt> settled;
    std::vector<command_arrival> commands;
    int idles = 0;
  };
  std::map<std::int64_t, job_part> job_parts;
  // What the pool runs, by id: its attempt and start.
  std::map<std::int64_t, running_now> in_pool;

  explicit scheduler_parts(engine_test& t) : test(t) {
    pool = test.spawn_part<pool_actor>([this](auto*) { return pool_behavior(); });
    recorder = test.spawn_part<recorder_actor>([this](auto*) {
      return recorder_actor::behavior_type{
          [](const database_changed&) {},
          [this](record& r) { written.push_back(std::move(r.what)); },
          [](const uncounted_tasks&) {},
          [](const describe&) { return description{}; },
      };
    });
    catalog = test.spawn_part<catalog_actor>([](auto*) {
      return catalog_actor::behavior_type{
          [](const get_workflow&) -> caf::result<workflow_found> {
            return caf::make_error(errc::not_found);
          },
          [](const describe&) { return description{}; },
      };
    });
    jobs = test.spawn_part<supervisor_actor>([this](auto*) { return supervisor_behavior(); });
    inbox = test.spawn_part<inbox_actor>([this](auto*) {
      return inbox_actor::behavior_type{
          [](const console_query&) { return console_answer{}; },
          [](const database_changed&) {},
          [this](const bell&) { ++bells; },
          [this](const begin_load& b) { loads.push_back(b); },
          [this](const page_taken& p) { taken.push_back(p); },
          [](const describe&) { return description{}; },
      };
    });
  }
  ~scheduler_parts() {
    test.end_all();
    job_parts.clear();
  }

  // -- the story of a start -----------------------------------------------------------------------

  void start() {
    scheduler = test.keep(
        spawn_scheduler(test.sys, test.context(), {test.gateway, pool, recorder, catalog, jobs}));
    test.settle();
    test.tell(inbox, scheduler, attach_inbox{});
    test.settle();
  }
  void up(bool unclean = false) {
    database_changed change;
    change.up = true;
    change.unclean = unclean;
    change.epoch = epoch_id{1};
    change.generation = ++generation_;
    test.announce(change);
  }
  // Started, connected, and the first load is over with these rows.
  void run(std::vector<arrival> tasks = {}, bool unclean = false) {
    start();
    up(unclean);
    load(std::move(tasks));
  }
  void load(std::vector<arrival> tasks) { page({std::move(tasks), {}, {}, {}}, true, true); }
  // The clocks of both sides agree at every page, and later ones too but for the allowance for drift.
  instant database_now() {
    return instant(std::chrono::duration_cast<std::chrono::microseconds>(
        test.sched.clock().now().time_since_epoch()));
  }
  void page(inbox_page p, bool loading = false, bool loaded = false) {
    test.tell(inbox, scheduler, clock_read{{test.sched.clock().now(), database_now()}});
    test.tell(inbox, scheduler,
              work_arrived{std::move(p),
                           loading ? work_arrived::kind::backlog : work_arrived::kind::fresh, 0,
                           loaded, loading});
    test.settle();
  }
  void arrive(std::vector<arrival> tasks) { page({std::move(tasks), {}, {}, {}}); }
  void command(std::string kind, std::int64_t task, std::int64_t job = 0,
               std::string argument = "{}") {
    inbox_page p;
    p.commands.push_back({command_id{++commands_},
                          job_id{job},
                          task_id{task},
                          std::move(kind),
                          {},
                          std::move(argument)});
    page(std::move(p));
  }
  // The job's row arrives, and its actor attaches.
  void attach(std::int64_t id, std::string workflow = "w", bool paused = false) {
    inbox_page p;
    p.jobs.emplace_back();
    p.jobs.back().id = job_id{id};
    p.jobs.back().workflow = workflow;
    page(std::move(p));
    test.tell(job(id), scheduler, job_attached{job_id{id}, workflow.empty(), paused});
    test.settle();
  }
  const job_actor& job(std::int64_t id) {
    job_part& part = job_parts[id];
    if (!part.actor)
      part.actor = test.spawn_part<job_actor>([&part](auto*) {
        return job_actor::behavior_type{
            [](const recorded&) {},
            [&part](steps_settled& s) {
              std::move(s.attempts.begin(), s.attempts.end(), std::back_inserter(part.settled));
            },
            [&part](const job_idle&) { ++part.idles; },
            [&part](const job_command& c) { part.commands.push_back(c.command); },
            [](const describe&) { return description{}; },
        };
      });
    return part.actor;
  }

  static arrival task(std::int64_t id, int priority = 50, std::string queue = "default",
                      std::string handler = "work") {
    arrival a;
    a.id = task_id{id};
    a.priority = priority;
    a.has_payload = true;
    a.body.queue = std::move(queue);
    a.body.handler = std::move(handler);
    a.body.payload = "{}";
    a.body.attempts_max = 5;
    return a;
  }
  static arrival quick(std::int64_t id) { return task(id, 50, "default", "quick"); }
  arrival delayed(std::int64_t id, std::chrono::microseconds due) {
    arrival a = task(id);
    a.state = task_state::waiting;
    a.reason = waiting_reason::delay;
    a.due = database_now() + due;
    return a;
  }
  static arrival of_job(std::int64_t job, arrival a, std::string step = {}) {
    a.job = job_id{job};
    a.body.step = std::move(step);
    return a;
  }

  // -- what happened ------------------------------------------------------------------------------

  // One of the numbers that `describe` shows.
  int number(const std::string& name) {
    const auto d = test.ask<description>(scheduler, describe{});
    return nlohmann::json::parse(d->detail).at(name).get<int>();
  }
  // Ids handed to the pool since the last call, slots first.
  ids started() {
    ids out;
    for (const auto* runs : {&slot_runs, &quick_runs})
      for (const task_run& r : *runs) out.push_back(r.id.value);
    slot_runs.clear();
    quick_runs.clear();
    return out;
  }
  void finish(std::int64_t id, outcome how = outcome::success()) {
    const running_now r = in_pool.at(id);
    in_pool.erase(id);
    tasks_done done;
    done.tasks.push_back({r.id, r.attempt, r.started, test.sched.clock().now(), std::move(how)});
    test.tell(pool, scheduler, std::move(done));
    test.settle();
  }
  // The quick worker answers the scheduler itself.
  void finish_quick(std::int64_t id, int attempt = 1) {
    tasks_done done;
    done.tasks.push_back({task_id{id}, attempt, test.sched.clock().now(), test.sched.clock().now(),
                          outcome::success()});
    test.tell(jobs, scheduler, std::move(done));
    test.settle();
  }
  // The oldest settlement that is not committed yet is.
  settlement commit() {
    if (written.empty()) throw std::logic_error("nothing is on its way to the database");
    settlement s = std::move(written.front());
    written.pop_front();
    recorded r;
    r.ticket = s.ticket;
    r.rows = s.rows();
    test.tell(recorder, scheduler, std::move(r));
    test.settle();
    return s;
  }
  void commit_all() {
    while (!written.empty()) commit();
  }

private:
  pool_actor::behavior_type pool_behavior() {
    return {
        [](const task_beat&) {},
        [this](const attach_pool&) {
          return pool_inventory{still_running, slots};
        },
        [this](run_tasks& r) {
          auto& to = r.quick ? quick_runs : slot_runs;
          for (task_run& run : r.runs) {
            if (!r.quick) in_pool[run.id.value] = {run.id, run.attempt, test.sched.clock().now()};
            to.push_back(std::move(run));
          }
        },
        [this](const cancel_run& c) { stopped.push_back(c.id.value); },
        [](const worker_hello&) {},
        [](const tasks_done&) {},
        [](const describe&) { return description{}; },
    };
  }
  supervisor_actor::behavior_type supervisor_behavior() {
    return {
        [](const child_ready&) {},
        [this](const start_child& c) {
          job_starts.push_back(c.spec.name);
          return child_started{};
        },
        [](const stop_child& c) { return child_stopped{c.name}; },
        [](const restart_child&) { return child_started{}; },
        [](const describe&) { return description{}; },
        [](const find_child&) { return child_found{}; },
        [](const restart_query&) { return restart_counters{}; },
    };
  }

  std::uint64_t generation_ = 0;
  std::int64_t commands_ = 0;
};

// A scheduler without a database: what it reads there (settings of queues, large payloads) is
// tests/db/scheduler_dbtest.cpp.
class scheduler_test : public engine_test, public scheduler_parts {
public:
  scheduler_test() : scheduler_parts(static_cast<engine_test&>(*this)) {}
};

}  // namespace cascade
