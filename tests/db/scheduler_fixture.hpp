// tests/db/scheduler_fixture.hpp
//
// A scheduler that reads from a real database, in virtual time; the test plays its neighbours.
#pragma once

#include "tests/support/database_test.hpp"
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {

struct scheduler_fixture : database_test, scheduler_parts {
  scheduler_fixture() : scheduler_parts(static_cast<engine_test&>(*this)) {}
  ~scheduler_fixture() override { end_database(); }

  // Connected and loaded; the rows of the tests get the ids 1, 2, ... in the order of their making.
  void run() {
    connect();
    start();
    announce(take_over());
    load({});
    round_trip();
  }
  void make_tasks(int n) {
    for (int i = 0; i < n; ++i) make_task({.handler = "work"});
  }
  static arrival bare(arrival a) {
    a.has_payload = false;
    a.body.payload.clear();
    return a;
  }
};

}  // namespace cascade
