// What runs next: order, credit, retries. Delays are tests/db/scheduler_dbtest.cpp: what waited for
// time has its payload fetched from its row.
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// -- order ----------------------------------------------------------------------------------------

TEST_F(scheduler_test, the_most_urgent_of_all_queues_goes_first_and_equals_in_order_of_arrival) {
  slots = 1;
  run();
  arrive({task(1)});  // takes the slot, so that the others line up
  arrive({task(2, 50, "a"), task(3, 90, "b"), task(4, 50, "a"), task(5, 90, "b"), task(6, 0, "a"),
          task(7, 100, "a")});
  ids order = started();
  for (const std::int64_t expected : {7, 3, 5, 2, 4, 6}) {
    finish(order.back());
    commit_all();
    for (const auto id : started()) order.push_back(id);
    EXPECT_EQ(order.back(), expected);
  }
}

TEST_F(scheduler_test, queues_of_equal_urgency_take_turns) {
  slots = 1;
  run();
  arrive({task(1, 50, "a")});
  arrive({task(2, 50, "a"), task(3, 50, "a"), task(4, 50, "b"), task(5, 50, "b")});
  ids order;
  for (ids now = started(); !now.empty(); now = started()) {
    order.push_back(now.front());
    finish(now.front());
  }
  EXPECT_THAT(order, ElementsAre(1, 4, 2, 5, 3));
}

TEST_F(scheduler_test, a_new_priority_moves_a_ready_task_ahead) {
  slots = 1;
  run();
  arrive({task(1), task(2), task(3)});
  set_priority(3, 90);
  started();
  finish(1);
  EXPECT_THAT(started(), ElementsAre(3));
}

// -- credit ---------------------------------------------------------------------------------------

TEST_F(scheduler_test, no_more_tasks_are_out_than_the_pool_has_slots) {
  run();
  std::vector<arrival> many;
  for (int i = 1; i <= 10; ++i) many.push_back(task(i));
  arrive(std::move(many));
  EXPECT_THAT(started(), ElementsAre(1, 2, 3, 4));
  finish(2);
  EXPECT_THAT(started(), ElementsAre(5));
  finish(1, outcome::failure("no"));
  finish(4, outcome::retry("later"));
  EXPECT_THAT(started(), ElementsAre(6, 7));
  settle();
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_test, what_runs_in_the_pool_since_before_takes_its_slots) {
  still_running = {{task_id{1}, 1, {}}, {task_id{2}, 1, {}}, {task_id{3}, 1, {}}};
  start();
  up();
  ASSERT_THAT(loads, SizeIs(1));
  EXPECT_THAT(loads[0].running, testing::UnorderedElementsAre(1, 2, 3));
  load({task(1), task(2), task(3), task(4), task(5)});
  EXPECT_THAT(started(), ElementsAre(4)) << "the other three are adopted, not started again";
}

TEST_F(scheduler_test, what_runs_in_the_pool_but_is_unfinished_no_longer_is_stopped) {
  still_running = {{task_id{1}, 1, {}}, {task_id{2}, 1, {}}};
  arrival other_attempt = task(2);
  other_attempt.attempt = 3;  // the row says that attempt 4 comes next
  run({other_attempt});
  EXPECT_THAT(stopped, testing::UnorderedElementsAre(1, 2));
}

TEST_F(scheduler_test, quick_tasks_need_no_slot_but_leave_room_for_what_is_not_recorded_yet) {
  settings.quick_max = 3;
  slots = 0;
  run();
  arrive({quick(1), quick(2), quick(3), quick(4), quick(5)});
  EXPECT_THAT(started(), ElementsAre(1, 2, 3));
  finish_quick(1);
  EXPECT_THAT(started(), IsEmpty()) << "over, but not committed";
  commit();
  EXPECT_THAT(started(), ElementsAre(4));
}

TEST_F(scheduler_test, after_a_lost_node_what_is_loaded_starts_once_that_it_runs_is_written) {
  start();
  up(true);
  page({{task(1)}, {}, {}, {}}, true, false);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_THAT(commit().started, SizeIs(1));
  EXPECT_THAT(started(), ElementsAre(1));
  arrive({task(3)});  // inserted since: nobody can have begun it
  EXPECT_THAT(started(), ElementsAre(3));
  page({{task(2)}, {}, {}, {}}, true, true);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_THAT(commit().started, SizeIs(1));
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_test, an_outcome_from_before_the_load_waits_for_the_row_it_belongs_to) {
  still_running = {{task_id{2}, 1, {}}};
  start();
  up();
  page({{task(1)}, {}, {}, {}}, true, false);
  EXPECT_THAT(started(), ElementsAre(1));
  in_pool[2] = still_running[0];
  finish(2);
  EXPECT_THAT(written, IsEmpty());
  page({{task(2)}, {}, {}, {}}, true, true);
  const settlement s = commit();
  ASSERT_THAT(s.completed, SizeIs(1));
  EXPECT_EQ(s.completed[0].id, task_id{2});
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_test, after_a_clean_stop_what_is_loaded_runs_while_the_rest_is_read) {
  start();
  page({{task(1)}, {}, {}, {}}, true, false);
  EXPECT_THAT(started(), IsEmpty()) << "not connected yet";
  up();
  EXPECT_THAT(started(), ElementsAre(1));
  EXPECT_THAT(readiness, IsEmpty());
  finish(1);
  EXPECT_THAT(commit().completed, SizeIs(1));
  page({{task(2)}, {}, {}, {}}, true, true);
  EXPECT_THAT(started(), ElementsAre(2));
  EXPECT_THAT(readiness, ElementsAre(true));
}

TEST_F(scheduler_test, nothing_starts_without_a_database) {
  run();
  EXPECT_THAT(readiness, ElementsAre(true));
  announce({});
  EXPECT_THAT(readiness, ElementsAre(true, false));
  arrive({task(3)});
  EXPECT_THAT(started(), IsEmpty());
  up();
  EXPECT_THAT(started(), ElementsAre(3));
  EXPECT_THAT(readiness, ElementsAre(true, false, true));
}

// -- outcomes -------------------------------------------------------------------------------------

TEST_F(scheduler_test, a_failed_attempt_backs_off_for_longer_each_time) {
  settings.retry = {retry_kind::exponential, 100ms, 2.0, 1h, 0.0};
  run();
  for (int attempts = 0; attempts < 4; ++attempts) {
    arrival a = task(attempts + 1);
    a.attempt = attempts;
    arrive({a});
    ASSERT_THAT(slot_runs, SizeIs(1));
    EXPECT_EQ(slot_runs[0].attempt, attempts + 1);
    started();
    finish(attempts + 1, outcome::retry("not yet"));
    const settlement s = commit();
    ASSERT_THAT(s.backed_off, SizeIs(1));
    EXPECT_EQ(s.backed_off[0].attempt, attempts + 1);
    EXPECT_EQ(s.backed_off[0].run_at, database_now() + 100ms * (1 << attempts));
    EXPECT_EQ(s.backed_off[0].error, "not yet");
  }
}

TEST_F(scheduler_test, a_handlers_own_wish_and_the_tasks_own_policy_go_before_the_default) {
  arrival own = task(1);
  own.body.retry = R"({"kind": "fixed", "base": "7s", "jitter": 0})";
  run({own, task(2)});
  finish(1, outcome::retry("policy"));
  finish(2, outcome::retry("wish", 42ms));
  EXPECT_EQ(commit().backed_off.at(0).run_at, database_now() + 7s);
  EXPECT_EQ(commit().backed_off.at(0).run_at, database_now() + 42ms);
}

TEST_F(scheduler_test, a_long_back_off_is_left_to_the_inbox) {
  run({task(1), task(2)});
  started();
  finish(1, outcome::retry("soon", 10s));
  finish(2, outcome::retry("later", 10s + 1ms));
  const auto before = bells;
  commit();
  EXPECT_EQ(bells, before);
  commit();
  EXPECT_EQ(bells, before + 1) << "its row is new for the inbox";
  const auto shown = nlohmann::json::parse(ask<description>(scheduler, describe{})->detail);
  EXPECT_EQ(shown["delayed"], 1);
}

TEST_F(scheduler_test, the_last_attempt_fails_for_good) {
  arrival last = task(1);
  last.attempt = 4;
  run({last});
  finish(1, outcome::retry("once more"));
  const settlement s = commit();
  ASSERT_THAT(s.completed, SizeIs(1));
  EXPECT_EQ(s.completed[0].state, task_state::failed);
  EXPECT_EQ(s.completed[0].attempt, 5);
  EXPECT_THAT(s.backed_off, IsEmpty());
}

TEST_F(scheduler_test,
       a_task_that_needs_another_nodes_tags_is_held_and_the_reason_is_written_once) {
  arrival known = task(2);
  known.capable = false;
  known.state = task_state::waiting;
  known.reason = waiting_reason::no_capable_worker;
  arrival fresh = task(1);
  fresh.capable = false;
  run({fresh, known});
  EXPECT_THAT(started(), IsEmpty());
  const settlement s = commit();
  ASSERT_THAT(s.held, SizeIs(1));
  EXPECT_EQ(s.held[0].id, task_id{1});
}

}  // namespace
}  // namespace cascade
