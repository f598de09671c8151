// Tasks that wait for slots of their job or workflow, of which the scheduler knows the ids only.
#include "tests/db/scheduler_backlog_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

struct scheduler_rest : scheduler_backlog_fixture {
  std::int64_t job = 0;

  // A job that may run one task at a time, on four slots; two of those that wait keep their bodies.
  void run_limited(int n) {
    slots = 4;
    run();
    job = test::make_job(admin);
    inbox_page p;
    p.jobs.emplace_back();
    p.jobs.back().id = job_id{job};
    p.jobs.back().concurrency = 1;
    page(std::move(p));
    tell(scheduler_parts::job(job), scheduler_parts::scheduler,
         job_attached{job_id{job}, true, false});
    settle();
    for (int i = 0; i < n; ++i) row(50, "{}", job);
    arrive(std::exchange(tasks, {}));
    until([&] { return scheduler_parts::number("waiting_for_slots") == n - 1; });
  }
  // Ends everything that runs, until nothing is left.
  ids the_rest() {
    ids order = started();
    while (!in_pool.empty()) {
      finish(in_pool.begin()->first);
      commit_all();
      until([this] {
        return !in_pool.empty() || (scheduler_parts::number("ready") == 0 &&
                                    scheduler_parts::number("waiting_for_slots") == 0);
      });
      for (const auto id : started()) order.push_back(id);
    }
    return order;
  }
};

TEST_F(scheduler_rest, a_large_fan_out_of_a_full_job_keeps_no_bodies_and_holds_nobody_up) {
  settings.body_bytes_max = 2'000;
  run_limited(100);
  row();
  row();
  arrive(std::exchange(tasks, {}));
  EXPECT_THAT(started(), ElementsAre(1, 101, 102));
  EXPECT_LE(scheduler_parts::number("body_bytes"), 1'000);
  finish(101);
  finish(102);
  EXPECT_THAT(the_rest(), ElementsAreArray(range(2, 100))) << "one after the other, in order";
  EXPECT_EQ(scheduler_parts::number("body_bytes"), 0);
}

TEST_F(scheduler_rest, a_higher_limit_starts_more_of_them_at_once) {
  run_limited(40);
  EXPECT_THAT(started(), ElementsAre(1));
  command("limit_job", 0, job, R"({"concurrency": 3})");
  round_trip();
  EXPECT_THAT(started(), ElementsAre(2, 3));
  finish(1);
  until([this] { return in_pool.size() == 3; });
  command("limit_job", 0, job, R"({"concurrency": null})");
  until([this] { return in_pool.size() == 4; });
  EXPECT_THAT(the_rest(), ElementsAreArray(range(4, 40)));
}

TEST_F(scheduler_rest, a_new_priority_counts_for_one_that_waits_far_behind) {
  run_limited(40);
  started();
  set_priority(30, 90, job);
  set_priority(20, 10, job);
  round_trip();
  ids expected{30};
  for (const auto id : range(2, 40))
    if (id != 20 && id != 30) expected.push_back(id);
  expected.push_back(20);
  EXPECT_THAT(the_rest(), ElementsAreArray(expected));
}

TEST_F(scheduler_rest, a_cancelled_one_never_starts_and_a_cancelled_job_leaves_nothing) {
  run_limited(40);
  started();
  command("cancel_task", 30, job);
  tell(scheduler_parts::job(job), scheduler_parts::scheduler,
       forget_task{task_id{30}, job_id{job}});
  for (int id = 1; id <= 25; ++id) {
    finish(id);
    commit_all();
    until([&] { return in_pool.contains(id + 1); });
  }
  started();
  tell(scheduler_parts::job(job), scheduler_parts::scheduler, forget_job_tasks{job_id{job}});
  tell(scheduler_parts::job(job), scheduler_parts::scheduler, job_ended{job_id{job}});
  finish(26);
  until([this] { return scheduler_parts::number("waiting_for_slots") == 0; });
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_EQ(scheduler_parts::number("body_bytes"), 0);
}

TEST_F(scheduler_rest, those_behind_are_read_anew_when_the_connection_was_lost_meanwhile) {
  run_limited(40);
  EXPECT_THAT(started(), ElementsAre(1));
  finish(1);
  finish(2);  // the rows that come next are being read
  lose_connection();
  reconnect();
  round_trip();
  ids order = started();
  for (const auto id : the_rest()) order.push_back(id);
  EXPECT_THAT(order, ElementsAreArray(range(2, 40)));
}

TEST_F(scheduler_rest, all_of_them_start_once_though_their_job_was_paused) {
  run_limited(40);
  EXPECT_THAT(started(), ElementsAre(1));
  command("pause_job", 0, job);
  finish(1);
  commit_all();
  round_trip();
  EXPECT_THAT(started(), IsEmpty());
  command("resume_job", 0, job);
  until([this] { return !in_pool.empty(); });
  EXPECT_THAT(the_rest(), testing::UnorderedElementsAreArray(range(2, 40)));
}

}  // namespace
}  // namespace cascade
