// What the scheduler reads itself: settings of queues, and payloads of tasks that come without one
// (too large for a page, or waited for time). So delays and back-offs are here, in virtual time.
#include "tests/db/scheduler_fixture.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

struct scheduler : scheduler_fixture {};

// -- time -----------------------------------------------------------------------------------------

// Timers may round up to the next millisecond, and never down.
TEST_F(scheduler, a_delayed_task_starts_when_it_is_due_and_never_earlier) {
  make_tasks(3);
  run();
  arrive({delayed(1, 5s), delayed(2, 3s), delayed(3, 3s)});
  live(2999ms, 2999ms);
  EXPECT_THAT(started(), IsEmpty());
  live(2ms, 1ms);
  EXPECT_THAT(started(), UnorderedElementsAre(2, 3));
  live(1998ms, 1998ms);
  EXPECT_THAT(started(), IsEmpty());
  live(2ms, 1ms);
  EXPECT_THAT(started(), ElementsAre(1));
}

TEST_F(scheduler, an_earlier_delay_is_not_late_because_a_later_one_is_armed) {
  make_tasks(2);
  run();
  arrive({delayed(1, 1h)});
  arrive({delayed(2, 10ms)});
  live(11ms, 11ms);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler, whatever_the_delays_each_task_starts_once_and_in_time) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  slots = 1'000;
  const int n = 200;
  make_tasks(n);
  run();
  std::map<std::int64_t, std::int64_t> due;  // in us, by task
  std::vector<arrival> tasks;
  for (int id = 1; id <= n; ++id) {
    due[id] = 1 + static_cast<std::int64_t>(random() % 400'000);
    tasks.push_back(delayed(id, std::chrono::microseconds(due[id])));
  }
  arrive(std::move(tasks));
  std::int64_t now = 0;
  std::map<std::int64_t, int> times;
  while (now < 402'000) {
    const auto step = 1 + static_cast<std::int64_t>(random() % 9'000);
    const auto before = now;
    now += step;
    live(std::chrono::microseconds(step), std::chrono::microseconds(step));
    for (const auto id : started()) {
      ++times[id];
      EXPECT_LE(due[id], now) << "early: " << id;
      EXPECT_GT(due[id] + 1'000, before) << "late: " << id;
    }
  }
  EXPECT_THAT(times, SizeIs(n));
  for (const auto& [id, count] : times) EXPECT_EQ(count, 1) << id;
}

TEST_F(scheduler, a_failed_attempt_comes_back_after_its_back_off) {
  make_tasks(1);
  run();
  arrive({task(1)});
  for (int attempt = 1; attempt < 5; ++attempt) {
    ASSERT_THAT(slot_runs, SizeIs(1));
    EXPECT_EQ(slot_runs[0].attempt, attempt);
    started();
    finish(1, outcome::retry("not yet", 100ms));
    ASSERT_THAT(written.at(0).backed_off, SizeIs(1));
    // As the recorder would.
    run_sql("update cascade.task set attempt = " + std::to_string(attempt));
    commit();
    live(99ms, 99ms);
    EXPECT_THAT(started(), IsEmpty());
    live(2ms, 1ms);
  }
}

TEST_F(scheduler, a_cancelled_delayed_task_never_starts) {
  make_tasks(2);
  run();
  arrive({delayed(1, 1s), delayed(2, 1s)});
  command("cancel_task", 1);
  commit();
  live(2s, 1s);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler, a_cancelled_task_that_is_retried_starts_at_once_though_it_was_delayed) {
  make_tasks(1);
  run();
  arrive({delayed(1, 1h)});
  command("cancel_task", 1);
  command("retry_task", 1);
  commit_all();
  arrive({task(1)});
  EXPECT_THAT(started(), ElementsAre(1));
  finish(1);
  commit_all();
  live(2h, 1h);
  EXPECT_THAT(started(), IsEmpty()) << "the delay of its first life is void";
}

// -- queues ---------------------------------------------------------------------------------------

TEST_F(scheduler, a_paused_queue_starts_nothing_until_it_is_resumed) {
  run_sql("select cascade.pause_queue('slow')");
  run();
  arrive({task(1, 90, "slow"), task(2, 10, "fast"), task(3, 90, "slow")});
  EXPECT_THAT(started(), ElementsAre(2));
  run_sql("select cascade.resume_queue('slow')");
  command("queue_changed", 0);
  round_trip();
  EXPECT_THAT(started(), ElementsAre(1, 3));
  EXPECT_THAT(commit().commands, SizeIs(1));
}

TEST_F(scheduler, no_more_tasks_of_a_queue_run_than_its_limit) {
  run_sql("insert into cascade.queue (name, concurrency) values ('two', 2)");
  run();
  arrive({task(1, 90, "two"), task(2, 90, "two"), task(3, 90, "two"), task(4, 10, "other")});
  EXPECT_THAT(started(), ElementsAre(1, 2, 4));
  finish(4);
  EXPECT_THAT(started(), IsEmpty());
  finish(1, outcome::retry("again", 1h));
  EXPECT_THAT(started(), ElementsAre(3)) << "one that waits for time does not count";
}

TEST_F(scheduler, queues_that_changed_while_the_connection_was_away_count_after_it_is_back) {
  run();
  lose_connection();
  run_sql("insert into cascade.queue (name, paused) values ('slow', true)");
  arrive({task(1, 50, "slow")});
  connect();
  announce(resumed());
  // Ready tasks are handed out as soon as the connection is there: the new settings count for what
  // follows.
  round_trip();
  started();
  arrive({task(2, 50, "slow")});
  EXPECT_THAT(started(), IsEmpty());
}

// -- payloads -------------------------------------------------------------------------------------

TEST_F(scheduler,
       tasks_without_a_payload_in_memory_get_theirs_from_their_rows_and_keep_their_order) {
  for (int i = 1; i <= 5; ++i)
    make_task({.handler = "work", .payload = "{\"n\": " + std::to_string(i) + "}"});
  slots = 5;
  run();
  arrive({bare(task(1)), bare(task(2)), bare(task(3)), bare(task(4)), bare(task(5))});
  EXPECT_THAT(slot_runs, IsEmpty());
  round_trip();
  ASSERT_THAT(slot_runs, SizeIs(5));
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(slot_runs[i].id.value, static_cast<std::int64_t>(i + 1));
    EXPECT_EQ(slot_runs[i].payload, "{\"n\": " + std::to_string(i + 1) + "}");
  }
}

TEST_F(scheduler, a_task_that_has_ended_before_its_payload_was_fetched_is_dropped) {
  make_tasks(2);
  run();
  arrive({bare(task(1)), bare(task(2))});
  must(database.connect("cascade_engine")
           .exec_text("update cascade.task set status = 'cancelled', started_at = now(), "
                      "finished_at = now(), finished_on = cascade.today() where id = 1"));
  round_trip();
  EXPECT_THAT(started(), ElementsAre(2));
  EXPECT_EQ(scheduler_parts::number("ready"), 0);
}

TEST_F(scheduler, payloads_asked_for_on_a_lost_connection_are_asked_for_again_in_order) {
  make_tasks(4);
  slots = 1;
  run();
  arrive({bare(task(1)), bare(task(2)), bare(task(3)), bare(task(4))});
  lose_connection();
  EXPECT_THAT(started(), IsEmpty());
  reconnect();
  round_trip();  // the queues
  round_trip();  // the payloads
  ids order;
  for (ids now = started(); !now.empty(); now = started()) {
    order.push_back(now.at(0));
    finish(now.at(0));
    round_trip();
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4));
}

TEST_F(scheduler, tasks_of_a_lost_quick_worker_run_again) {
  make_task({.handler = "quick"});
  make_task({.handler = "quick"});
  run();
  arrive({quick(1), quick(2)});
  EXPECT_THAT(started(), ElementsAre(1, 2));
  tell(pool, scheduler_parts::scheduler, quick_lost{});
  settle();
  live(11ms, 11ms);
  ASSERT_THAT(quick_runs, SizeIs(2));
  EXPECT_EQ(quick_runs[0].attempt, 1) << "nothing was written of the lost attempt";
  EXPECT_THAT(started(), UnorderedElementsAre(1, 2));
}

}  // namespace
}  // namespace cascade
