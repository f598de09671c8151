// When the inbox reads, and in which pages: asleep and awake, back-pressure, overflow.
#include "tests/db/inbox_fixture.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct inbox : inbox_fixture {};

// -- asleep and awake -----------------------------------------------------------------------------

TEST_F(inbox, asleep_a_commit_rings_and_is_read_without_any_time_passing) {
  run();
  insert(3);
  until_page();
  EXPECT_THAT(take_page().page.tasks, SizeIs(3));
  EXPECT_EQ(shown("mode"), "asleep");
  admin = database.connect("cascade_producer");
  must(admin.exec_text("select cascade.start_job(keep_open => true)"));
  until_page();
  EXPECT_THAT(take_page().page.jobs, SizeIs(1));
}

TEST_F(inbox, a_bell_for_tasks_brings_them_alone_and_passes_over_nothing) {
  run();
  // Only a read after which nobody is in progress is followed by a shorter one; others use this server, too.
  while (!shown("snapshot").get<std::string>().ends_with(':')) live(500ms, 500ms);
  auto silent = database.connect();
  must(silent.exec_text(
      "set cascade.doorbell = off; insert into cascade.job (keep_open) values (true)"));
  insert(1);
  until_page();
  const work_arrived first = take_page();
  EXPECT_EQ(first.page.tasks.size(), 1u);
  EXPECT_EQ(first.page.jobs.size(), 0u) << "the shorter read was not used";
  while (scheduler.pages.empty()) live(500ms, 500ms);  // the poll of one that sleeps
  EXPECT_EQ(take_page().page.jobs.size(), 1u);
  expect_all_seen_once();
}

TEST_F(inbox, tasks_never_come_before_their_job) {
  run();
  auto silent = database.connect();
  must(silent.exec_text(
      "set cascade.doorbell = off; insert into cascade.job (keep_open) values (true)"));
  must(silent.exec_text("insert into cascade.task (handler, job_id) values ('noop', 1)"));
  insert(1);
  until_page();
  const work_arrived first = take_page();
  EXPECT_EQ(first.page.tasks.size(), 2u);
  EXPECT_EQ(first.page.jobs.size(), 1u);
  expect_all_seen_once();
}

TEST_F(inbox, a_job_that_comes_with_its_tasks_is_not_missed_by_a_bell_for_tasks) {
  run();
  must(
      admin.exec_text("begin; insert into cascade.task (handler) values ('noop'); "
                      "insert into cascade.job (keep_open) values (true); commit"));
  std::size_t jobs = 0;
  for (std::size_t tasks = 0; tasks + jobs < 2;) {
    until_page();
    const work_arrived w = take_page();
    tasks += w.page.tasks.size();
    jobs += w.page.jobs.size();
  }
  EXPECT_EQ(jobs, 1u);
  expect_all_seen_once();
}

TEST_F(inbox, a_rolled_back_insert_brings_nothing) {
  run();
  must(admin.exec_text("begin; insert into cascade.task (handler) values ('noop'); rollback"));
  insert(1);
  until_page();
  EXPECT_THAT(take_page().page.tasks, SizeIs(1));
}

TEST_F(inbox, asleep_nothing_is_read_but_once_in_a_long_time) {
  run();
  const int before = shown("reads");
  must(
      admin.exec_text("begin; set local cascade.doorbell = off; "
                      "insert into cascade.task (handler) values ('noop'); commit"));
  live(4900ms, 700ms);
  EXPECT_EQ(shown("reads"), before);
  EXPECT_THAT(scheduler.pages, IsEmpty());
  live(200ms, 100ms);
  EXPECT_EQ(shown("reads"), before + 1);
  ASSERT_THAT(scheduler.pages, SizeIs(1));
}

TEST_F(inbox, many_bells_wake_it_and_an_awake_one_is_not_rung) {
  settings.doorbell.awake_bells = 3;
  settings.doorbell.idle_reads = 5;
  run();
  auto ear = database.connect();
  must(ear.exec_text("listen \"cascade.doorbell\""));
  for (int i = 0; i < 3; ++i) {
    insert(1);
    until_page();
    take_page();
  }
  until([&] { return shown("mode") == "awake"; });
  while (must(ear.wait_notification(pg::deadline::in(0s)))) {
  }
  insert(1);
  must(ear.exec_text("select 1"));
  EXPECT_FALSE(must(ear.wait_notification(pg::deadline::in(0s)))) << "producers pay nothing";
  EXPECT_EQ(shown("mode"), "awake");
  while (scheduler.pages.empty()) live(1ms, 1ms);
  EXPECT_THAT(take_page().page.tasks, SizeIs(1));
  live(20ms, 1ms);
  EXPECT_EQ(shown("mode"), "asleep") << "nothing came for a while";
  insert(1);
  until_page();
  take_page();
  expect_all_seen_once();
}

TEST_F(inbox, an_open_transaction_that_saw_it_awake_keeps_it_awake_until_its_rows_are_read) {
  start();
  auto slow = database.connect();
  must(slow.exec_text("begin"));
  insert(1, &slow);
  load();
  live(100ms, 1ms);
  EXPECT_NE(shown("mode"), "asleep");
  must(slow.exec_text("commit"));
  while (scheduler.pages.empty()) live(1ms, 1ms);
  take_page();
  expect_all_seen_once();
}

// -- back-pressure --------------------------------------------------------------------------------

TEST_F(inbox, the_next_page_waits_until_the_scheduler_has_taken_the_last_one) {
  run();
  insert(1);
  until_page();
  const int reads = shown("reads");
  insert(1);
  live(20s, 1s);
  EXPECT_THAT(scheduler.pages, SizeIs(1));
  EXPECT_EQ(shown("reads"), reads);
  take_page();
  until_page();
  take_page();
  expect_all_seen_once();
}

// -- pages ----------------------------------------------------------------------------------------

TEST_F(inbox, what_does_not_fit_into_a_page_comes_through_a_cursor_in_bounded_pages) {
  settings.inbox_page_rows = 10;
  run();
  insert(35);
  until_page();
  EXPECT_EQ(scheduler.pages.front().announced, 1);
  EXPECT_THAT(take_page().page.tasks, IsEmpty());
  std::vector<std::size_t> sizes;
  while (seen.size() < 35) {
    until_page();
    if (scheduler.pages.front().what == work_arrived::kind::backlog)
      sizes.push_back(scheduler.pages.front().page.tasks.size());
    take_page();
  }
  EXPECT_THAT(sizes, ElementsAre(10, 10, 10, 5));
  insert(2);
  until_page();
  EXPECT_THAT(take_page().page.tasks, SizeIs(2)) << "it goes on from the first read's snapshot";
  expect_all_seen_once();
}

TEST_F(inbox, jobs_and_commands_do_not_wait_for_the_tasks_that_overflow) {
  settings.inbox_page_rows = 5;
  run();
  must(admin.exec_text(
      "begin; select cascade.start_job(keep_open => true); select cascade.pause_queue('x'); "
      "insert into cascade.task (handler) select 'noop' from generate_series(1, 12); commit"));
  until_page();
  const work_arrived first = take_page();
  EXPECT_EQ(first.announced, 1);
  EXPECT_THAT(first.page.jobs, SizeIs(1));
  EXPECT_THAT(first.page.commands, SizeIs(1));
  while (seen.size() < 12) {
    until_page();
    const work_arrived next = take_page();
    EXPECT_THAT(next.page.jobs, IsEmpty());
    EXPECT_THAT(next.page.commands, IsEmpty());
  }
  expect_all_seen_once();
}

TEST_F(inbox, what_is_new_comes_between_the_pages_of_a_backlog) {
  settings.inbox_page_rows = 5;
  run();
  insert(12);
  until([&] { return scheduler.pages.size() == 2; });
  take_page();
  EXPECT_EQ(scheduler.pages.front().what, work_arrived::kind::backlog);
  EXPECT_FALSE(scheduler.pages.front().last);
  insert(1);
  until([&] { return scheduler.pages.size() == 2; });
  const work_arrived fresh = std::move(scheduler.pages.back());
  scheduler.pages.pop_back();
  EXPECT_EQ(fresh.what, work_arrived::kind::fresh);
  ASSERT_THAT(fresh.page.tasks, SizeIs(1));
  ++seen[fresh.page.tasks[0].id.value];
  live(5s, 1s);
  EXPECT_THAT(scheduler.pages, SizeIs(1)) << "each has the credit of one page";
  take_page();
  for (int i = 0; i < 2; ++i) {
    until_page();
    EXPECT_EQ(scheduler.pages.front().what, work_arrived::kind::backlog);
    take_page();
  }
  expect_all_seen_once();
}

TEST_F(inbox, one_backlog_follows_the_other) {
  settings.inbox_page_rows = 5;
  run();
  insert(12);
  until([&] { return scheduler.pages.size() == 2; });
  take_page();
  insert(7);
  until([&] { return scheduler.pages.size() == 2; });
  EXPECT_EQ(scheduler.pages.back().announced, 1);
  std::vector<std::size_t> sizes;
  while (seen.size() < 19) {
    until_page();
    if (const auto n = take_page().page.tasks.size(); n > 0) sizes.push_back(n);
  }
  EXPECT_THAT(sizes, ElementsAre(5, 5, 2, 5, 2));
  insert(1);
  until_page();
  EXPECT_EQ(take_page().what, work_arrived::kind::fresh);
  expect_all_seen_once();
}

TEST_F(inbox, a_lost_pager_ends_it_in_the_middle_of_a_backlog_and_is_replaced_otherwise) {
  settings.inbox_page_rows = 5;
  run();
  const auto kill = [this] {
    end_sessions("pager");
    live(10ms, 1ms);
  };
  kill();
  insert(7);
  until([&] { return scheduler.pages.size() == 2; });
  kill();
  watch(actor);
  take_page();
  take_page();
  std::optional<caf::error> why;
  until([&] { return (why = ended()).has_value(); });
  EXPECT_EQ(*why, errc::database_unavailable);
}

TEST_F(inbox, whatever_order_transactions_commit_in_each_row_is_seen_once) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  settings.inbox_page_rows = 2 + random() % 20;
  settings.doorbell.awake_bells = static_cast<int>(random() % 4);
  settings.doorbell.idle_reads = 3;
  start();
  std::vector<pg::connection> producers;
  std::vector<bool> open(3, false);
  for (int i = 0; i < 3; ++i) producers.push_back(database.connect());
  insert(static_cast<int>(random() % 30));
  load();
  for (int step = 0; step < 120; ++step) {
    const auto who = random() % 3;
    auto& c = producers[who];
    switch (random() % 5) {
      case 0:
        if (!open[who]) must(c.exec_text("begin"));
        open[who] = true;
        break;
      case 1:
        if (open[who]) must(c.exec_text(random() % 3 ? "commit" : "rollback"));
        open[who] = false;
        break;
      case 2:
        insert(1 + static_cast<int>(random() % 8), &c);
        break;
      case 3:
        round_trip();
        if (!scheduler.pages.empty()) take_page();
        break;
      default:
        elapse(std::chrono::microseconds(random() % 3'000));
    }
  }
  for (auto& c : producers) must(c.exec_text("commit"));
  const auto all = static_cast<std::size_t>(number("select count(*) from cascade.task"));
  for (int round = 0; seen.size() < all && round < 1'000; ++round) {
    round_trip();
    if (scheduler.pages.empty())
      elapse(5s);  // at the latest the slow poll finds it
    else
      take_page();
  }
  expect_all_seen_once();
}

}  // namespace
}  // namespace cascade
