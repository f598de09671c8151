// Jobs without a workflow: when they end.
#include "tests/db/job_fixture.hpp"

namespace cascade {
namespace {

using testing::IsEmpty;

using job_container = job_fixture;

TEST_F(job_container, a_container_ends_when_nothing_of_it_is_left_unless_it_is_kept_open) {
  make(true, true);
  spawn();
  until([&] { return !scheduler.attached.empty(); });
  EXPECT_TRUE(scheduler.attached[0].container);
  test::make_task(admin, {.status = "completed", .job = id.value});
  tell(scheduler.actor, actor, job_idle{});
  live(1min, 10s);
  EXPECT_THAT(scheduler.ended, IsEmpty());
  command("close_job");
  wait_end();
  EXPECT_EQ(job_status(), "completed");
}

TEST_F(job_container, a_container_whose_tasks_are_due_much_later_does_not_keep_asking_for_its_end) {
  make(true);
  run_sql("insert into cascade.task (handler, job_id, run_at) values ('work', " +
          std::to_string(id.value) + ", now() + interval '2 hours')");
  spawn();
  tell(scheduler.actor, actor, job_idle{});
  live(10min, 1s);
  EXPECT_LT(number("select max(batch) from cascade.writer"), 50);
  EXPECT_THAT(scheduler.ended, IsEmpty());
}

TEST_F(job_container, a_container_without_a_task_waits_for_its_first_until_it_is_closed) {
  make(true, false);
  spawn();
  tell(scheduler.actor, actor, job_idle{});
  live(10s, 1s);
  EXPECT_THAT(scheduler.ended, IsEmpty());
  EXPECT_EQ(job_status(), "running");
  command("close_job");
  live(5s, 1s);
  wait_end();
  EXPECT_EQ(job_status(), "completed");
}

TEST_F(job_container, a_container_that_is_closed_while_a_task_is_added_waits_for_it) {
  make(true, true);
  spawn();
  auto producer = database.connect();
  must(producer.exec("begin"));
  test::make_task(producer, {.job = id.value});
  command("close_job");
  live(10s, 1s);
  EXPECT_THAT(scheduler.ended, IsEmpty());
  must(producer.exec("rollback"));
  live(1min, 1s);
  wait_end();
  EXPECT_EQ(job_status(), "completed");
}

TEST_F(job_container, an_open_transaction_that_adds_tasks_keeps_its_container_from_ending) {
  make(true, false);
  spawn();
  test::make_task(admin, {.status = "completed", .job = id.value});
  auto producer = database.connect();
  must(producer.exec("begin"));
  const auto late = test::make_task(producer, {.job = id.value});
  tell(scheduler.actor, actor, job_idle{});
  live(10s, 1s);
  EXPECT_THAT(scheduler.ended, IsEmpty());
  must(producer.exec("commit"));
  live(10s, 1s);
  EXPECT_THAT(scheduler.ended, IsEmpty()) << "a task of it is unfinished";
  must(database.connect("cascade_engine")
           .exec("update cascade.task set status = 'failed', started_at = now(), finished_at = "
                 "now(), finished_on = cascade.today() where id = $1",
                 pg::params{}.int8(late)));
  tell(scheduler.actor, actor, job_idle{});
  wait_end();
  EXPECT_EQ(job_status(), "failed");
}

}  // namespace
}  // namespace cascade
