// New priorities: of what is ready, parked, delayed or running, and of what comes from older rows.
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(scheduler_test, many_new_priorities_count_at_once_a_task_before_its_job) {
  slots = 1;
  run();
  attach(7, "");
  arrive({task(1), task(2), of_job(7, task(3)), of_job(7, task(4)), task(5)});
  started();
  ask<reprioritized>(scheduler, reprioritize{{{task_id{5}, {}, 80}, {task_id{4}, job_id{7}, 10}},
                                             {{job_id{7}, 90}}});
  ids order;
  for (int id = 1; id != 0;) {
    finish(id);
    const auto next = started();
    id = next.empty() ? 0 : static_cast<int>(next[0]);
    if (id != 0) order.push_back(id);
  }
  EXPECT_THAT(order, ElementsAre(3, 5, 2, 4));
  EXPECT_THAT(written, testing::Each(testing::Field(&settlement::task_priorities, IsEmpty())))
      << "whoever asks writes";
}

TEST_F(scheduler_test, a_paused_job_has_its_new_priority_when_it_goes_on) {
  slots = 1;
  run();
  attach(7, "");
  arrive({task(1), of_job(7, task(2)), task(4)});
  started();
  command("pause_job", 0, 7);
  finish(1);
  EXPECT_THAT(started(), ElementsAre(4)) << "task 2 is parked on the way";
  set_job_priority(7, 90);
  arrive({task(5, 60)});
  command("resume_job", 0, 7);
  finish(4);
  EXPECT_THAT(started(), ElementsAre(2));
}

// (Their rows would be read now, and nothing less urgent starts before they are.)
TEST_F(scheduler_test, a_delayed_task_has_its_new_priority_when_it_is_due) {
  slots = 1;
  run();
  arrive({task(1), task(2), delayed(3, 1s)});
  started();
  set_priority(3, 95);
  elapse(2s);
  finish(1);
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_test, a_task_that_runs_has_its_new_priority_at_its_next_attempt) {
  slots = 1;
  run();
  arrive({task(1), task(2)});
  started();
  set_priority(1, 90);
  finish(1, outcome::retry("again"));
  set_priority(2, 60);
  EXPECT_THAT(started(), ElementsAre(2));
  arrive({task(3, 80)});
  commit_all();
  elapse(1s);
  finish(2);
  EXPECT_THAT(started(), IsEmpty()) << "task 1 goes before task 3";
}

TEST_F(scheduler_test, jobs_are_asked_what_follows_and_that_counts_too) {
  slots = 1;
  run();
  attach(7);
  arrive({task(1), of_job(7, task(2), "a"), of_job(7, task(3), "b")});
  started();
  job_parts[7].raises = {{task_id{2}, job_id{7}, 85}};
  auto answer = ask<reprioritized>(scheduler, reprioritize{{{task_id{3}, job_id{7}, 80}}, {}});
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->raised, ElementsAre(task_priority{task_id{2}, job_id{7}, 85}));
  ASSERT_THAT(job_parts[7].priorities, SizeIs(1));
  finish(1);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_test, a_job_that_is_not_there_yet_is_told_when_it_is) {
  run();
  inbox_page p;
  p.jobs.emplace_back();
  p.jobs.back().id = job_id{7};
  p.jobs.back().workflow = "w";
  page(std::move(p));
  auto answer = begin_ask(scheduler, reprioritize{{}, {{job_id{7}, 90}}});
  settle();
  EXPECT_THAT(job_parts[7].priorities, IsEmpty());
  tell(job(7), scheduler, job_attached{job_id{7}, false, false});
  EXPECT_TRUE(take<reprioritized>(std::move(answer)));
  ASSERT_THAT(job_parts[7].priorities, SizeIs(1));
  EXPECT_EQ(job_parts[7].priorities[0].job, 90);
}

TEST_F(scheduler_test, a_job_that_is_not_active_keeps_nobody_waiting) {
  run();
  attach(7);
  auto answer = begin_ask(scheduler, reprioritize{{}, {{job_id{8}, 90}}});
  EXPECT_TRUE(take<reprioritized>(std::move(answer))) << "nobody knows it";
}

TEST_F(scheduler_test, a_row_that_was_read_before_its_priority_was_written_is_known_better) {
  slots = 1;
  run();
  attach(7);
  arrive({task(1)});
  started();
  set_priority(3, 90);
  set_job_priority(7, 80);
  arrive({task(2), task(3), of_job(7, task(4), "step"), of_job(7, task(5))});
  ids order;
  for (int id = 1; !in_pool.empty(); id = static_cast<int>(in_pool.begin()->first)) {
    finish(id);
    for (const auto next : started()) order.push_back(next);
    if (in_pool.empty()) break;
  }
  EXPECT_THAT(order, ElementsAre(3, 4, 2, 5)) << "task 5 has what its producer gave it";
}

TEST_F(scheduler_test, what_a_later_page_of_a_backlog_brings_has_its_new_priority) {
  slots = 1;
  start();
  up();
  page({{task(1), task(2)}, {}, {}, {}}, true, false);
  set_priority(4, 90);
  set_job_priority(7, 80);
  set_priority(5, 20, 7);
  page({{task(3), task(4), of_job(7, task(5)), of_job(7, task(6))}, {}, {}, {}}, true, true);
  ids order = started();
  while (!in_pool.empty()) {
    finish(in_pool.begin()->first);
    for (const auto id : started()) order.push_back(id);
  }
  EXPECT_THAT(order, ElementsAre(1, 4, 6, 2, 3, 5));
}

}  // namespace
}  // namespace cascade
