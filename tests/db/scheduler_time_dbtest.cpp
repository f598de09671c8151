// Due times on the database's clock, snoozes, and limits on how often tasks start, in virtual time.
#include "tests/db/scheduler_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct scheduler_time : scheduler_fixture {
  const instant there = instant_of(1'790'000'000'000'000);

  void hear(instant t) {
    tell(inbox, scheduler, clock_read{{sched.clock().now(), t}});
    settle();
  }
  // A page that does not tell the time.
  void bring(std::vector<arrival> tasks) {
    tell(inbox, scheduler, work_arrived{inbox_page{std::move(tasks), {}, {}, {}}});
    settle();
  }
  arrival due_at(std::int64_t id, instant at) {
    arrival a = delayed(id, 0us);
    a.due = at;
    return a;
  }
  static arrival keyed(std::int64_t id, std::string key, int priority = 50) {
    arrival a = task(id, priority, "crawl");
    a.body.rate_key = std::move(key);
    return a;
  }
  void change_queue(const std::string& sql) {
    run_sql("select " + sql);
    command("queue_changed", 0);
    round_trip();
  }
};

TEST_F(scheduler_time, due_times_are_told_by_the_databases_clock) {
  make_tasks(1);
  run();
  hear(there);
  bring({due_at(1, there + 2s)});
  live(1999ms, 1999ms);
  EXPECT_THAT(started(), IsEmpty());
  live(2ms, 2ms);
  EXPECT_THAT(started(), ElementsAre(1));
}

TEST_F(scheduler_time, a_clock_that_is_corrected_moves_what_is_armed) {
  make_tasks(2);
  run();
  hear(there);
  bring({due_at(1, there + 2s), due_at(2, there + 10s)});
  hear(there + 1990ms);  // it is later than was thought
  live(11ms, 11ms);
  EXPECT_THAT(started(), ElementsAre(1));
  hear(there - 1h);  // somebody has set it back
  live(59min, 10min);
  EXPECT_THAT(started(), IsEmpty());
  live(1min + 11s, 71s);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_time, a_snooze_does_not_use_up_the_attempt) {
  make_tasks(1);
  run_sql("update cascade.task set attempt = 4");
  run();
  arrival last = task(1);
  last.attempt = 4;
  arrive({last});
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(slot_runs, SizeIs(1)) << i;
    EXPECT_EQ(started(), ids{1});
    finish(1, outcome::snooze(1s, "not yet"));
    const settlement s = commit();
    ASSERT_THAT(s.backed_off, SizeIs(1));
    EXPECT_TRUE(s.backed_off[0].snoozed);
    EXPECT_EQ(s.backed_off[0].attempt, 5);
    live(1001ms, 1001ms);
  }
}

// -- what is fetched before its time ----------------------------------------------------------------

TEST_F(scheduler_time, a_delayed_task_starts_without_asking_the_database) {
  make_tasks(2);
  run();
  hear(there);
  bring({bare(due_at(1, there + 2s)), bare(due_at(2, there + 2s + 10ms))});
  live(1960ms, 1960ms);
  elapse(41ms);
  settle();
  EXPECT_THAT(started(), ElementsAre(1));
  elapse(10ms);
  settle();
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_time, what_was_fetched_of_a_task_that_is_delayed_anew_is_not_used) {
  make_tasks(1);
  run();
  hear(there);
  bring({bare(due_at(1, there + 2s))});
  elapse(1960ms);
  settle();  // its row is being read
  const std::string newer = R"({"n": 2})";
  arrival again = due_at(1, there + 2s);
  again.body.payload = newer;
  bring({again});
  round_trip();
  run_sql("update cascade.task set payload = '" + newer + "'");
  live(41ms, 41ms);
  ASSERT_THAT(slot_runs, SizeIs(1));
  EXPECT_EQ(slot_runs[0].payload, newer);
}

TEST_F(scheduler_time, a_task_that_was_fetched_can_be_cancelled) {
  make_tasks(2);
  run();
  arrive({bare(delayed(1, 2s)), bare(delayed(2, 2s))});
  live(1960ms, 1960ms);
  const int held = scheduler_parts::number("body_bytes");
  command("cancel_task", 1);
  EXPECT_LT(scheduler_parts::number("body_bytes"), held);
  live(41ms, 41ms);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_time, however_many_are_due_at_once_few_pages_of_them_are_on_their_way) {
  settings.ready_max = 100'000;
  run();
  std::vector<arrival> many;
  for (int id = 1; id <= 10'000; ++id) many.push_back(bare(delayed(id, 2s)));
  arrive(std::move(many));
  elapse(1960ms);
  settle();
  const std::size_t pages = port->reader()->queued() + port->reader()->in_flight();
  EXPECT_GE(pages, 1u);
  EXPECT_LE(pages, 4u);
}

// -- rates ----------------------------------------------------------------------------------------

TEST_F(scheduler_time, each_rate_key_has_its_own_limit) {
  run_sql("select cascade.limit_keys('crawl', 1, '1 second', 2)");
  run();
  live(10s, 10s);
  arrive({keyed(1, "a"), keyed(2, "a"), keyed(3, "a"), keyed(4, "b"), keyed(5, "a")});
  EXPECT_THAT(started(), ElementsAre(1, 2, 4));
  for (const int id : {1, 2, 4}) finish(id);
  commit_all();
  live(999ms, 333ms);
  EXPECT_THAT(started(), IsEmpty());
  live(2ms, 1ms);
  EXPECT_THAT(started(), ElementsAre(3));
  finish(3);
  live(1s, 100ms);
  EXPECT_THAT(started(), ElementsAre(5));
}

TEST_F(scheduler_time, others_do_not_wait_behind_a_key_that_has_had_its_turn) {
  run_sql("select cascade.space_keys('crawl', '1 minute')");
  run();
  live(2min, 1min);
  arrive({keyed(1, "a", 90), keyed(2, "a", 90), keyed(3, "a", 90), keyed(4, "b", 10), task(5, 1)});
  EXPECT_THAT(started(), ElementsAre(1, 4, 5));
}

TEST_F(scheduler_time, a_parked_task_can_be_cancelled_and_its_queue_paused) {
  run_sql("select cascade.limit_keys('crawl', 1)");
  run();
  live(2s, 1s);
  arrive({keyed(1, "a"), keyed(2, "a"), keyed(3, "a"), keyed(4, "a")});
  EXPECT_THAT(started(), ElementsAre(1));
  finish(1);
  command("cancel_task", 2);
  change_queue("cascade.pause_queue('crawl')");
  live(5s, 100ms);
  EXPECT_THAT(started(), IsEmpty());
  change_queue("cascade.resume_queue('crawl')");
  EXPECT_THAT(started(), ElementsAre(3, 4)) << "their turns came during the pause";
}

TEST_F(scheduler_time, a_job_that_lives_again_starts_nothing_that_was_parked_for_it) {
  run_sql("select cascade.limit_keys('crawl', 1)");
  run();
  live(10s, 10s);
  attach(7, "");
  std::vector<arrival> all;
  for (int id = 1; id <= 3; ++id) all.push_back(of_job(7, keyed(id, "a")));
  arrive(std::move(all));
  EXPECT_THAT(started(), ElementsAre(1));
  EXPECT_EQ(scheduler_parts::number("waiting_for_rate"), 2);
  tell(job(7), scheduler, forget_job_tasks{job_id{7}});
  tell(job(7), scheduler, job_ended{job_id{7}});
  settle();
  attach(7, "");
  EXPECT_EQ(scheduler_parts::number("waiting_for_rate"), 0);
  live(1min, 1s);
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_time, a_parked_task_changes_its_priority_or_its_time) {
  run_sql("select cascade.limit_keys('crawl', 1)");
  run();
  live(2s, 1s);
  arrive({keyed(1, "a"), keyed(2, "a"), keyed(3, "a"), keyed(4, "a")});
  EXPECT_THAT(started(), ElementsAre(1));
  finish(1);
  set_priority(4, 90);
  command("change_task", 2, 0, R"({"run_at_us": 77})");
  commit_all();
  live(1001ms, 1001ms);
  EXPECT_THAT(started(), ElementsAre(4));
  finish(4);
  live(10s, 1s);
  EXPECT_THAT(started(), ElementsAre(3)) << "what was taken out comes in again by its row only";
}

// -- slots ----------------------------------------------------------------------------------------

TEST_F(scheduler_time, more_of_a_key_may_run_when_its_queue_says_so) {
  slots = 10;
  const auto one = [](std::int64_t id) {
    arrival a = task(id, 50, "crawl");
    a.body.concurrency_key = "a";
    return a;
  };
  run();
  arrive({one(1), one(2), one(3), one(4)});
  EXPECT_THAT(started(), ElementsAre(1));
  change_queue("cascade.limit_key_concurrency('crawl', 3)");
  EXPECT_THAT(started(), ElementsAre(2, 3));
  change_queue("cascade.limit_key_concurrency('crawl', 1)");
  finish(1);
  finish(2);
  EXPECT_THAT(started(), IsEmpty());
  finish(3);
  EXPECT_THAT(started(), ElementsAre(4));
}

TEST_F(scheduler_time, who_waits_for_the_turn_of_a_rate_key_has_its_slot) {
  slots = 10;
  run_sql("select cascade.limit_keys('crawl', 1, '1 second', 1)");
  const auto one = [](std::int64_t id, const char* rate_key) {
    arrival a = keyed(id, rate_key);
    a.body.concurrency_key = "slot";
    return a;
  };
  run();
  live(2s, 1s);
  arrive({keyed(1, "a"), one(2, "a"), one(3, "b"), one(4, "c")});
  EXPECT_THAT(started(), ElementsAre(1));
  live(1001ms, 1001ms);
  EXPECT_THAT(started(), ElementsAre(2));
  arrive({one(5, "b")});
  finish(2);
  EXPECT_THAT(started(), ElementsAre(3));
  command("cancel_task", 4);
  finish(3);
  EXPECT_THAT(started(), IsEmpty()) << "the next one waits for its rate, with the slot";
  command("change_task", 5, 0, R"({"run_at_us": 77})");
  commit_all();
  arrive({one(6, "d")});
  EXPECT_THAT(started(), ElementsAre(6)) << "who is taken out gives the slot back";
}

// -- rates of queues ------------------------------------------------------------------------------

TEST_F(scheduler_time, a_queue_as_a_whole_has_a_limit_and_it_changes_at_run_time) {
  slots = 100;
  run_sql("select cascade.limit_queue('crawl', 10, '1 second', 1)");
  run();
  live(1s, 1s);
  std::vector<arrival> tasks;
  for (int id = 1; id <= 60; ++id) tasks.push_back(task(id, 50, "crawl"));
  arrive(std::move(tasks));
  std::size_t n = started().size();
  EXPECT_EQ(n, 1u);
  live(1s, 1ms);
  n += started().size();
  EXPECT_GE(n, 10u);
  EXPECT_LE(n, 11u);
  change_queue("cascade.limit_queue('crawl', 20, '1 second', 1)");
  live(1s, 1ms);
  n += started().size();
  EXPECT_GE(n, 29u);
  EXPECT_LE(n, 32u);
  change_queue("cascade.limit_queue('crawl', null)");
  n += started().size();
  EXPECT_EQ(n, 60u);
}

}  // namespace
}  // namespace cascade
