// actors/schedule_messages.hpp
//
// What the schedules actor is told, and what it and the Asio side tell each other about rows of cascade.schedule.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "triggers/schedule_plan.hpp"

namespace cascade {

struct schedule_row {
  std::string name;
  schedule_source when;
  instant handled_to;
  std::chrono::microseconds jitter{};
  catch_up policy = catch_up::last;
  std::size_t most = 1;
};

struct schedules_loaded {
  std::uint64_t round = 0;
  bool ok = false;
  bool busy = false;  // some are being changed by a transaction: look again
  instant now;
  std::vector<schedule_row> rows;
  std::string problem;
};

// The answer to one tick; without a schedule: to what was only to be written.
struct tick_fired {
  std::uint64_t round = 0;
  bool ok = false;
  std::string schedule;
  instant tick;
  std::string outcome;  // as of cascade.fire_tick
  std::string problem;
};

struct attach_schedules {};   // the sender gets schedules_changed and clock_read from the scheduler
struct schedules_changed {};  // rows of cascade.schedule
struct schedules_wake {
  std::uint64_t generation = 0;
};

}  // namespace cascade
