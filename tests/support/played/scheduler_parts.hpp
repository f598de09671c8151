// tests/support/played/scheduler_parts.hpp
//
// Everybody around the scheduler: pool, recorder, catalog, the supervisor of jobs, job actors and
// the inbox. Nothing is answered by itself but the pool's inventory and a new page's start_child.
#pragma once

#include <gmock/gmock.h>

#include <deque>
#include <map>
#include <nlohmann/json.hpp>

#include "actors/scheduler.hpp"
#include "tests/support/played/engine_test.hpp"

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
    std::vector<reprioritize_job> priorities;
    std::vector<task_priority> raises;  // what it answers
    int idles = 0;
  };
  std::map<std::int64_t, job_part> job_parts;
  // What the pool runs, by id: its attempt and start.
  std::map<std::int64_t, running_now> in_pool;

  explicit scheduler_parts(engine_test& t);
  ~scheduler_parts();

  // -- the story of a start -----------------------------------------------------------------------

  void start();
  void up(bool unclean = false);
  // Started, connected, and the first load is over with these rows.
  void run(std::vector<arrival> tasks = {}, bool unclean = false);
  void load(std::vector<arrival> tasks) { page({std::move(tasks), {}, {}, {}}, true, true); }
  // The clocks of both sides agree at every page, and later ones too but for the allowance for drift.
  instant database_now();
  void page(inbox_page p, bool loading = false, bool loaded = false);
  void arrive(std::vector<arrival> tasks) { page({std::move(tasks), {}, {}, {}}); }
  void command(std::string kind, std::int64_t task, std::int64_t job = 0,
               std::string argument = "{}");
  void set_priority(std::int64_t task, int priority, std::int64_t job = 0);
  void set_job_priority(std::int64_t job, int priority);
  // The job's row arrives, and its actor attaches.
  void attach(std::int64_t id, std::string workflow = "w", bool paused = false);
  const job_actor& job(std::int64_t id);

  static arrival task(std::int64_t id, int priority = 50, std::string queue = "default",
                      std::string handler = "work");
  static arrival quick(std::int64_t id) { return task(id, 50, "default", "quick"); }
  arrival delayed(std::int64_t id, std::chrono::microseconds due);
  static arrival of_job(std::int64_t job, arrival a, std::string step = {});

  // -- what happened ------------------------------------------------------------------------------

  // One of the numbers that `describe` shows.
  int number(const std::string& name);
  // Ids handed to the pool since the last call, slots first.
  ids started();
  void finish(std::int64_t id, outcome how = outcome::success());
  // The quick worker answers the scheduler itself.
  void finish_quick(std::int64_t id, int attempt = 1);
  // The oldest settlement that is not committed yet is.
  settlement commit(const std::string& rejected = {});
  void commit_all();

private:
  pool_actor::behavior_type pool_behavior();
  supervisor_actor::behavior_type supervisor_behavior();

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
