// actors/schedules_state.hpp
//
// What the schedules actor knows, and the decisions it carries: which tick of which schedule is next.
// Private to the files schedules*.
//
// Order    the ticks of one schedule fire one after the other; schedules do not wait for each other.
// Jitter   a tick is next until its jitter is over, and only then handled.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "pg/session.hpp"
#include "triggers/timer_wheel.hpp"

namespace cascade {

struct schedule_mark {  // a row of mark_schedules
  std::string name;
  std::optional<instant> next;
  instant handled_to;
  std::string problem;
};

struct schedules_state {
  static inline const char* name = "cascade.schedules";

  engine_context_ptr context;
  std::shared_ptr<pg::session> session;  // while there are schedules
  bool owner = false;
  bool reload = false;   // when the timer comes
  bool loading = false;  // what comes meanwhile is loaded `again`
  bool again = false;
  std::uint64_t round = 0;  // answers of an earlier one are void
  std::uint64_t wake = 0;
  std::optional<monotonic> wake_at;  // the armed one
  std::size_t in_flight = 0;
  database_clock clock;
  std::map<std::string, std::uint64_t> outcomes;
  std::uint64_t failures = 0;
  std::string last_problem;

  ~schedules_state() {
    if (session) session->close();
  }

  void forget();
  void add(schedule_row&& row, instant now);
  void all_added();  // of one load
  // Plans what the timer has reached. False: the time went back, and everything must be loaded anew.
  bool take_due(instant now);
  std::optional<std::pair<std::string, instant>> next_to_fire();
  void handled(const std::string& schedule, instant tick, bool gone, instant now);
  std::optional<instant> next_due() const;
  std::vector<schedule_mark> take_marks();
  description describe() const;

private:
  struct entry : timer_node {
    schedule_row row;
    std::optional<schedule_rule> rule;  // none: `problem` says why
    std::string problem;
    std::optional<instant> next;
    std::deque<instant> due;  // to fire now; the first one may be under way
  };

  void plan(entry& e, instant now);

  std::unique_ptr<timer_wheel> wheel_ = std::make_unique<timer_wheel>();  // outlives the entries
  std::unordered_map<std::string, entry> entries_;
  std::deque<std::string> ready_;  // have something due, and nothing under way
  std::vector<std::string> marks_;
  std::unordered_map<std::string, std::string> broken_;  // by name, what was logged; outlives loads
  instant last_;
};

}  // namespace cascade
