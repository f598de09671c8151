// What the inbox loads at the start of an epoch, and what it makes of a connection that breaks.
#include "tests/db/inbox_fixture.hpp"

namespace cascade {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

struct inbox_load : inbox_fixture {};

// -- the load -------------------------------------------------------------------------------------

TEST_F(inbox_load,
       the_load_brings_jobs_commands_and_tasks_page_by_page_and_what_is_new_need_not_wait) {
  settings.inbox_page_rows = 4;
  for (int i = 0; i < 6; ++i) make_task();
  make_task({.status = "completed"});
  make_task({.status = "waiting", .waiting_reason = "dependency"});
  const auto job = test::make_job(admin);
  must(admin.exec_text("select cascade.cancel_job(" + std::to_string(job) + ")"));
  start();
  tell(scheduler.actor, actor, begin_load{});
  until_page();
  insert(1);  // behind the snapshot
  const work_arrived first = take_page();
  EXPECT_TRUE(first.loading);
  EXPECT_FALSE(first.last);
  EXPECT_THAT(first.page.jobs, SizeIs(1));
  EXPECT_THAT(first.page.commands, SizeIs(1));
  EXPECT_THAT(first.page.tasks, SizeIs(4));
  std::optional<work_arrived> second, fresh;
  while (!second || !fresh) {
    until_page();
    work_arrived w = take_page();
    (w.loading ? second : fresh) = std::move(w);
  }
  EXPECT_TRUE(second->last);
  EXPECT_THAT(second->page.tasks, SizeIs(2)) << "what waits for others is loaded by its job";
  EXPECT_EQ(fresh->what, work_arrived::kind::fresh);
  EXPECT_THAT(fresh->page.tasks, SizeIs(1));
  for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
}

TEST_F(inbox_load, a_load_charges_lost_attempts_but_not_what_still_runs_here) {
  const task_id gone = make_task({.status = "running", .attempt = 1});
  const task_id ours = make_task({.status = "running", .attempt = 1});
  start();
  load({ours.value});
  EXPECT_EQ(status_of(gone), "pending");
  EXPECT_EQ(status_of(ours), "running");
  EXPECT_EQ(value("select string_agg(task_id || ' ' || outcome, ',') from cascade.attempt_log"),
            std::to_string(gone.value) + " lost");
  expect_all_seen_once();
}

TEST_F(inbox_load, a_load_sees_what_its_own_charges_have_ended) {
  const task_id poison = make_task({.status = "running", .attempt = 1});
  run_sql("update cascade.task set max_attempts = 1");
  // The charge has to wait, the read would not.
  auto blocker = database.connect();
  must(blocker.exec_text("begin; select from cascade.task for update"));
  start();
  tell(scheduler.actor, actor, begin_load{});
  until([&] { return port->writer()->in_flight() == 1; });
  int reads = 0;
  port->read({}, [&](const pg::batch_reply&) { ++reads; });
  until([&] { return reads == 1; });
  must(blocker.exec_text("rollback"));
  until_page();
  EXPECT_TRUE(scheduler.pages.front().last);
  EXPECT_THAT(take_page().page.tasks, IsEmpty());
  EXPECT_EQ(status_of(poison), "failed");
}

// -- the connection breaks ------------------------------------------------------------------------

TEST_F(inbox_load, a_connection_lost_between_reads_costs_no_row_and_doubles_none) {
  run();
  insert(2);
  until_page();
  take_page();
  insert(2);
  lose_connection();
  insert(3);
  reconnect();
  until_page();
  take_page();
  round_trip();
  while (!scheduler.pages.empty()) take_page();
  expect_all_seen_once();
}

TEST_F(inbox_load, a_connection_lost_in_the_middle_of_a_paged_read_ends_it) {
  settings.inbox_page_rows = 5;
  run();
  insert(12);
  until_page();
  lose_connection();
  watch(actor);
  reconnect();
  const auto why = ended();
  ASSERT_TRUE(why) << "some pages are with the scheduler, and the cursor is gone";
  EXPECT_EQ(*why, errc::database_unavailable);
}

}  // namespace
}  // namespace cascade
