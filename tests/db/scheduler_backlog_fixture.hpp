// tests/db/scheduler_backlog_fixture.hpp
//
// A scheduler that keeps eight keys and has one slot, over real rows.
#pragma once

#include "tests/db/scheduler_fixture.hpp"

namespace cascade {

struct scheduler_backlog_fixture : scheduler_fixture {
  std::vector<arrival> tasks;  // rows with the ids 1, 2, ...

  scheduler_backlog_fixture() {
    settings.ready_max = 8;
    slots = 1;
  }
  arrival& row(int priority = 50, std::string payload = "{}", std::int64_t job = 0) {
    const task_id id = make_task({.handler = "work", .payload = payload, .job = job});
    run_sql("update cascade.task set priority = " + std::to_string(priority) +
            " where id = " + std::to_string(id.value));
    tasks.push_back(task(id.value, priority));
    tasks.back().body.payload = payload;
    if (job != 0) tasks.back().job = job_id{job};
    return tasks.back();
  }
  // Arrives, and the first one takes the slot.
  void line_up(int n, std::int64_t job = 0) {
    for (int i = 0; i < n; ++i) row(50, "{}", job);
    arrive(std::exchange(tasks, {}));
    ASSERT_THAT(started(), testing::ElementsAre(1));
  }
  // Everything runs, one after the other, with the database keeping up; ids in order.
  ids run_all() {
    ids order;
    while (!in_pool.empty()) {
      finish(in_pool.begin()->first);
      commit_all();
      round_trip();
      until([this] { return !in_pool.empty() || scheduler_parts::number("ready") == 0; });
      for (const auto id : started()) order.push_back(id);
    }
    return order;
  }
  static ids range(std::int64_t first, std::int64_t last) {
    ids out;
    for (auto i = first; i <= last; ++i) out.push_back(i);
    return out;
  }
  void as_engine(const std::string& sql) {
    must(database.connect("cascade_engine").exec_text(sql));
  }
  void cancel_row(int id) {
    as_engine(
        "update cascade.task set status = 'cancelled', started_at = now(), finished_at = now(), "
        "finished_on = cascade.today() "
        "where id = " +
        std::to_string(id));
  }
  void begin_backlog() {
    tell(inbox, scheduler_parts::scheduler, work_arrived{{}, work_arrived::kind::fresh, 1});
  }
  void backlog_page(std::vector<arrival> page, bool last) {
    for (arrival& a : page) {
      a.has_payload = false;
      a.body.payload.clear();
    }
    tell(inbox, scheduler_parts::scheduler,
         work_arrived{{std::move(page), {}, {}, {}}, work_arrived::kind::backlog, 0, last});
    settle();
  }
  std::vector<arrival> take_rows(std::size_t n) {
    std::vector<arrival> out(tasks.begin(), tasks.begin() + static_cast<std::ptrdiff_t>(n));
    tasks.erase(tasks.begin(), tasks.begin() + static_cast<std::ptrdiff_t>(n));
    return out;
  }
};

}  // namespace cascade
