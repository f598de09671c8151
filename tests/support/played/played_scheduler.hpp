// tests/support/played/played_scheduler.hpp
//
// A scheduler that only writes down what the inbox and job actors tell it.
#pragma once

#include <deque>

#include "tests/support/played/engine_test.hpp"

namespace cascade {

struct played_scheduler {
  scheduler_actor actor;
  std::deque<work_arrived> pages;
  std::vector<job_attached> attached;
  std::vector<arrival> released;
  std::size_t settled = 0;  // attempts that jobs said are recorded
  std::size_t looks = 0;    // times that the inbox was to be asked
  database_clock clock;
  std::vector<job_id> ended, voided;
  std::size_t commands_obeyed = 0;  // as the last job_ended said
  std::vector<task_id> forgotten;
  std::vector<reprioritize> told;     // new priorities
  std::vector<task_priority> raises;  // what it answers

  explicit played_scheduler(engine_test& test);
};

}  // namespace cascade
