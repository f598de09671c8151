// More ready tasks than the scheduler keeps keys of: only ids of the others, and their rows are read
// again. Order and memory as if all were there.
#include "tests/db/scheduler_backlog_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::SizeIs;

struct scheduler_backlog : scheduler_backlog_fixture {};

// -- order ----------------------------------------------------------------------------------------

TEST_F(scheduler_backlog, no_more_keys_than_ready_max_are_kept_and_all_tasks_run_in_order) {
  run();
  line_up(60);
  EXPECT_EQ(scheduler_parts::number("ready"), 59);
  EXPECT_LE(scheduler_parts::number("hot"), 8);
  EXPECT_THAT(run_all(), ElementsAreArray(range(2, 60)));
  EXPECT_EQ(scheduler_parts::number("ready"), 0);
  EXPECT_EQ(scheduler_parts::number("body_bytes"), 0);
}

TEST_F(scheduler_backlog, no_more_are_kept_either_when_some_are_due_that_were_read_before) {
  run();
  line_up(8);
  row(55);
  arrive(std::exchange(tasks, {}));
  EXPECT_EQ(scheduler_parts::number("hot"), 8);
  for (int i = 0; i < 2; ++i) {
    const auto id = row(60).id.value;
    tasks.back() = bare(delayed(id, 2s));
    tasks.back().priority = 60;
  }
  arrive(std::exchange(tasks, {}));
  live(1960ms, 1960ms);
  elapse(41ms);
  settle();
  EXPECT_EQ(scheduler_parts::number("ready"), 10);
  EXPECT_LE(scheduler_parts::number("hot"), 8);
  finish(1);
  EXPECT_THAT(started(), ElementsAre(10));
}

TEST_F(scheduler_backlog, a_new_urgent_task_starts_at_once_behind_any_backlog) {
  run();
  line_up(60);
  EXPECT_GE(scheduler_parts::number("cold"), 50);
  arrive({task(61, 90)});
  finish(1);
  EXPECT_THAT(started(), ElementsAre(61)) << "without asking the database for anything";
}

TEST_F(scheduler_backlog, nothing_less_urgent_starts_while_an_urgent_task_is_read) {
  run();
  line_up(20);
  arrival urgent = row(90);
  urgent.has_payload = false;
  arrive({urgent});
  finish(1);
  EXPECT_THAT(started(), IsEmpty()) << "its row is on the way";
  round_trip();
  EXPECT_THAT(started(), ElementsAre(21));
}

TEST_F(scheduler_backlog, what_is_spilled_is_the_least_urgent) {
  run();
  for (int i = 0; i < 10; ++i) row(50);
  for (int i = 0; i < 6; ++i) row(90);
  for (int i = 0; i < 4; ++i) row(10);
  arrive(std::exchange(tasks, {}));
  EXPECT_THAT(started(), ElementsAre(11));
  for (const int id : {12, 13, 14, 15}) {
    finish(id - 1);
    EXPECT_THAT(started(), ElementsAre(id)) << "without asking the database";
  }
  ids expected{16};
  for (const auto id : range(1, 10)) expected.push_back(id);
  for (const auto id : range(17, 20)) expected.push_back(id);
  EXPECT_THAT(run_all(), ElementsAreArray(expected));
}

TEST_F(scheduler_backlog, rows_asked_for_on_a_lost_connection_are_asked_for_again) {
  run();
  line_up(30);
  for (int id = 1; scheduler_parts::number("hot") > 0; ++id) {
    finish(id);
    commit_all();
    settle();
  }
  lose_connection();
  started();
  const auto next = in_pool.begin()->first + 1;
  reconnect();
  round_trip();
  EXPECT_THAT(run_all(), ElementsAreArray(range(next, 30)));
}

// -- memory ---------------------------------------------------------------------------------------

TEST_F(scheduler_backlog, large_payloads_are_read_a_few_at_a_time_and_in_order) {
  settings.ready_max = 1'000;
  settings.body_bytes_max = 40'000;
  run();
  // Random text, which the database cannot make smaller.
  for (int i = 0; i < 30; ++i)
    row(50, value("select jsonb_build_object('x', string_agg(md5(random()::text), '')) "
                  "from generate_series(1, 150)"));
  for (arrival& a : tasks) a.has_payload = false;
  arrive(std::exchange(tasks, {}));
  round_trip();
  EXPECT_THAT(started(), ElementsAre(1));
  ids order;
  while (!in_pool.empty()) {
    EXPECT_LE(scheduler_parts::number("body_bytes"), 40'000);
    finish(in_pool.begin()->first);
    commit_all();
    round_trip();
    for (const auto id : started()) order.push_back(id);
  }
  EXPECT_THAT(order, ElementsAreArray(range(2, 30)));
}

TEST_F(scheduler_backlog, a_paused_queue_does_not_keep_others_out_of_memory) {
  run_sql("select cascade.pause_queue('slow')");
  run();
  for (int i = 0; i < 20; ++i) row(90).body.queue = "slow";
  for (int i = 0; i < 5; ++i) row(50);
  arrive(std::exchange(tasks, {}));
  EXPECT_THAT(started(), ElementsAre(21));
  for (const int id : {22, 23, 24, 25}) {
    finish(id - 1);
    EXPECT_THAT(started(), ElementsAre(id)) << "without asking the database";
  }
}

// -- while a backlog is read ----------------------------------------------------------------------

TEST_F(scheduler_backlog, what_comes_between_its_pages_waits_behind_it_unless_it_is_more_urgent) {
  run();
  for (int i = 0; i < 20; ++i) row();
  begin_backlog();
  backlog_page(take_rows(10), false);
  round_trip();
  ids order = started();
  EXPECT_THAT(order, ElementsAre(1)) << "it starts before the last page is here";
  row(50);
  row(90);
  const auto fresh = std::vector<arrival>(tasks.end() - 2, tasks.end());
  tasks.resize(10);
  arrive(fresh);
  backlog_page(take_rows(10), true);
  for (const auto id : run_all()) order.push_back(id);
  ids expected{1, 22};
  for (const auto id : range(2, 21)) expected.push_back(id);
  EXPECT_THAT(order, ElementsAreArray(expected));
}

TEST_F(scheduler_backlog, a_command_counts_for_what_a_later_page_brings) {
  run();
  for (int i = 0; i < 20; ++i) row();
  begin_backlog();
  backlog_page(take_rows(10), false);
  round_trip();
  started();
  set_priority(15, 90);
  command("cancel_task", 18);
  backlog_page(take_rows(10), true);
  ids expected{15};
  for (const auto id : range(2, 20))
    if (id != 15 && id != 18) expected.push_back(id);
  EXPECT_THAT(run_all(), ElementsAreArray(expected));
}

TEST_F(scheduler_backlog,
       a_job_that_is_cancelled_and_retried_waits_for_the_pages_of_its_old_tasks) {
  const auto job = test::make_job(admin);
  run();
  attach(job, "w");
  for (int i = 0; i < 4; ++i) row(50, "{}", i < 2 ? 0 : job);
  begin_backlog();
  backlog_page(take_rows(2), false);
  tell(scheduler_parts::job(job), scheduler_parts::scheduler, forget_job_tasks{job_id{job}});
  tell(scheduler_parts::job(job), scheduler_parts::scheduler, job_ended{job_id{job}, 0});
  settle();
  command("retry_job", 0, job);
  EXPECT_THAT(written, IsEmpty()) << "its tasks would come back before their old rows are here";
  backlog_page(take_rows(2), true);
  EXPECT_THAT(written, SizeIs(1));
  commit();
  round_trip();
  ids order = started();
  for (const auto id : run_all()) order.push_back(id);
  EXPECT_THAT(order, ElementsAre(1, 2));
}

}  // namespace
}  // namespace cascade
