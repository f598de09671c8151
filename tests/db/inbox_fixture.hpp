// tests/db/inbox_fixture.hpp
//
// The inbox over real rows; the test plays the scheduler and takes its pages.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "actors/inbox.hpp"
#include "tests/support/database_test.hpp"
#include "tests/support/played/played_scheduler.hpp"

namespace cascade {

struct inbox_fixture : database_test {
  played_scheduler scheduler{*this};
  inbox_actor actor;
  int uncounted_said = 0;
  std::map<std::int64_t, int> seen;  // tasks of pages taken, and how often

  ~inbox_fixture() override { end_database(); }

  void start() {
    own();
    actor = keep(spawn_inbox(sys, context(), gateway, scheduler.actor, counters()));
    settle();
  }
  arrival_sink counters() {
    return keep(sys.spawn(
        [](arrival_sink::pointer, int* said) -> arrival_sink::behavior_type {
          return {[said](const uncounted_tasks&) { ++*said; }};
        },
        &uncounted_said));
  }
  void load(std::vector<std::int64_t> running = {}) {
    tell(scheduler.actor, actor, begin_load{std::move(running)});
    for (bool more = true; more;) {
      until_page();
      more = !scheduler.pages.front().last;
      take_page();
    }
  }
  void run() {
    start();
    load();
    until([&] { return shown("bells") >= 1 && shown("mode") == "asleep"; });
    live(10ms, 5ms);  // what was armed while it was awake
  }
  void until_page() {
    until([&] { return !scheduler.pages.empty(); });
  }
  work_arrived take_page() {
    if (scheduler.pages.empty()) throw std::logic_error("there is no page");
    work_arrived w = std::move(scheduler.pages.front());
    scheduler.pages.pop_front();
    for (const arrival& a : w.page.tasks) ++seen[a.id.value];
    tell(scheduler.actor, actor, page_taken{w.what == work_arrived::kind::backlog});
    settle();
    return w;
  }
  nlohmann::json shown(const char* what) {
    return nlohmann::json::parse(ask<description>(actor, describe{})->detail).at(what);
  }
  void insert(int n, pg::connection* by = nullptr) {
    must((by ? *by : admin)
             .exec("insert into cascade.task (handler) select 'noop' from generate_series(1, $1)",
                   pg::params{}.int4(n)));
  }
  // Every row of the table was seen, and none twice.
  void expect_all_seen_once() {
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(number("select count(*) from cascade.task")));
    for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
  }
};

}  // namespace cascade
