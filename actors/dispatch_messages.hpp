// actors/dispatch_messages.hpp
//
// Between the scheduler, the pool and the workers.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/rows.hpp"
#include "executors/handler.hpp"
#include "triggers/rate_meter.hpp"
#include "triggers/slot_set.hpp"

namespace cascade {

// To the scheduler itself. Reload 0: it had more to do than fits into a turn.
struct tasks_fetched {
  std::uint64_t reload = 0;
  std::uint64_t generation = 0;
  bool ok = false;
  std::vector<arrival> tasks;  // unfinished ones; without a payload when there was no room for it
};
struct task_done {
  task_id id;
  int attempt = 1;
  monotonic started;
  monotonic finished;
  outcome how;
};
struct tasks_done {
  std::vector<task_done> tasks;
};
struct task_beat {  // at most one a second of each
  task_id id;
  int attempt = 1;
  progress_report report;
};
struct run_tasks {
  std::vector<task_run> runs;
  bool quick = false;  // for the quick worker, which answers the sender
};
struct cancel_run {
  task_id id;
};
struct quick_lost {};  // the quick worker was killed with everything it had
struct running_now {
  task_id id;
  int attempt = 1;
  monotonic started;
};
struct attach_pool {};  // the sender becomes the scheduler that gets tasks_done
struct pool_inventory {
  std::vector<running_now> running;
  std::size_t slots = 0;
};
struct worker_hello {
  std::size_t index = 0;
  bool quick = false;
};
struct run_beat {
  std::uint64_t run = 0;
  progress_report report;
};
struct run_ended {
  std::uint64_t run = 0;
  outcome how;
};
struct queue_settings {
  std::string name;
  bool paused = false;
  int concurrency = 0;      // 0: no limit
  rate_limit rate{};        // of the whole queue
  rate_limit key_rate{};    // of each rate_key
  int key_concurrency = 1;  // of each concurrency_key
  when_full strategy = when_full::wait;
  double weight = 1;
  tenant_strides tenants{};  // those with a weight
};
struct workflow_settings {
  std::string workflow;
  bool paused = false;
  int concurrency = 0;  // of the tasks of all its jobs; 0: no limit
};
struct queues_loaded {
  std::uint64_t generation = 0;
  bool ok = false;
  std::vector<queue_settings> queues;
  std::vector<workflow_settings> workflows;
};
struct scheduler_wake {
  std::uint64_t generation = 0;
};
struct drain {  // the scheduler starts nothing any more; the recorder gives the lanes back
  caf::timespan within = std::chrono::seconds(10);
};
struct drain_over {
  bool done =
      false;  // the recorder: or its time is; the scheduler: the time of what was told to stop
};
struct drained {
  std::size_t left = 0;  // tasks that were still running, rows that were not written
};

}  // namespace cascade
