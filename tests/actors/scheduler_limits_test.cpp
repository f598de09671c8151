// Limits and pauses of jobs and workflows. How settings are read is tests/db/limits_dbtest.cpp.
#include "tests/actors/limits_fixture.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(scheduler_limits, a_job_runs_so_many_tasks_at_a_time_and_the_limit_changes_while_it_runs) {
  run();
  attach_limited(7, 1);
  arrive({of_job(7, task(1)), of_job(7, task(2)), of_job(7, task(3)), of_job(7, task(4)), task(5)});
  EXPECT_THAT(started(), ElementsAre(1, 5)) << "who waits for its job holds nobody else up";
  limit_job(7, "2");
  EXPECT_THAT(started(), ElementsAre(2));
  limit_job(7, "1");
  finish(1);
  EXPECT_THAT(started(), IsEmpty()) << "one runs still";
  finish(2);
  EXPECT_THAT(started(), ElementsAre(3));
  limit_job(7, "null");
  EXPECT_THAT(started(), ElementsAre(4));
}

TEST_F(scheduler_limits, a_limit_counts_what_runs_already) {
  run();
  attach(7, "");
  arrive({of_job(7, task(1)), of_job(7, task(2)), of_job(7, task(3))});
  EXPECT_THAT(started(), ElementsAre(1, 2, 3));
  command("cancel_task", 1, 7);
  limit_job(7, "2");
  arrive({of_job(7, task(4))});
  EXPECT_THAT(started(), IsEmpty());
  finish(2);
  EXPECT_THAT(started(), IsEmpty()) << "the cancelled one has not ended";
  finish(1);
  EXPECT_THAT(started(), ElementsAre(4));
}

TEST_F(scheduler_limits, a_workflow_runs_so_many_tasks_at_a_time_over_all_its_jobs) {
  run();
  set({}, {{"w", false, 2}});
  attach(7, "w");
  attach(8, "w");
  attach(9, "other");
  arrive({of_job(7, task(1), "a"), of_job(8, task(2), "a"), of_job(8, task(3), "b"),
          of_job(9, task(4), "a")});
  EXPECT_THAT(started(), ElementsAre(1, 2, 4));
  finish(2);
  EXPECT_THAT(started(), ElementsAre(3));
  arrive({of_job(7, task(5), "b"), of_job(7, task(6), "c")});
  EXPECT_THAT(started(), IsEmpty());
  set({}, {});
  EXPECT_THAT(started(), ElementsAre(5, 6));
}

TEST_F(scheduler_limits, a_task_that_lacks_one_of_its_slots_holds_none) {
  run();
  attach_limited(7, 1);
  arrive({of_job(7, task(1)), of_job(7, keyed(2, "a")), keyed(3, "a")});
  EXPECT_THAT(started(), ElementsAre(1, 3)) << "the key is free for others";
  finish(1);
  EXPECT_THAT(started(), IsEmpty());
  arrive({of_job(7, task(4))});
  EXPECT_THAT(started(), ElementsAre(4)) << "and now the job is";
  finish(3);
  EXPECT_THAT(started(), IsEmpty());
  finish(4);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_limits, what_runs_already_when_the_scheduler_begins_counts_for_its_job) {
  still_running = {{task_id{1}, 1, {}}};
  in_pool[1] = still_running[0];
  start();
  up();
  arrival known = of_job(7, task(1));
  known.state = task_state::running;
  known.attempt = 1;
  inbox_page p;
  p.jobs.emplace_back();
  p.jobs.back().id = job_id{7};
  p.jobs.back().concurrency = 1;
  p.tasks = {known, of_job(7, task(2))};
  page(std::move(p), true, true);
  EXPECT_THAT(started(), IsEmpty());
  finish(1);
  EXPECT_THAT(started(), ElementsAre(2));
}

TEST_F(scheduler_limits, a_cancelled_job_gives_the_slots_of_its_workflow_back_when_its_runs_end) {
  run();
  set({}, {{"w", false, 1}});
  attach(7, "w");
  attach(8, "w");
  arrive({of_job(7, task(1), "a"), of_job(7, task(2), "b"), of_job(8, task(3), "a")});
  EXPECT_THAT(started(), ElementsAre(1));
  tell(job(7), scheduler, forget_job_tasks{job_id{7}});
  tell(job(7), scheduler, job_ended{job_id{7}});
  settle();
  EXPECT_THAT(started(), IsEmpty());
  finish(1);
  EXPECT_THAT(started(), ElementsAre(3));
}

TEST_F(scheduler_limits, a_job_that_lives_again_has_one_place_in_the_line_for_a_slot) {
  run();
  attach(7, "");
  arrive({keyed(1, "a"), of_job(7, keyed(2, "a"))});
  EXPECT_THAT(started(), ElementsAre(1));
  tell(job(7), scheduler, forget_job_tasks{job_id{7}});
  tell(job(7), scheduler, job_ended{job_id{7}});
  settle();
  attach(7, "");
  arrive({of_job(7, keyed(2, "a"))});
  finish(1);
  EXPECT_THAT(started(), ElementsAre(2));
  finish(2);
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(scheduler_limits, a_paused_workflow_starts_nothing_and_what_runs_goes_on) {
  run();
  attach(7, "w");
  attach(8, "w");
  arrive({of_job(7, task(1), "a")});
  EXPECT_THAT(started(), ElementsAre(1));
  set({}, {{"w", true, 0}});
  EXPECT_THAT(stopped, IsEmpty());
  attach(9, "w");
  arrive({of_job(7, task(2), "b"), of_job(8, task(3), "a"), of_job(9, task(4), "a"), task(5)});
  EXPECT_THAT(started(), ElementsAre(5));
  command("pause_job", 0, 8);
  set({}, {{"w", false, 0}});
  EXPECT_THAT(started(), ElementsAre(2, 4)) << "the job is paused by itself";
  command("resume_job", 0, 8);
  EXPECT_THAT(started(), ElementsAre(3));
}

TEST_F(scheduler_limits, resuming_a_job_of_a_paused_workflow_starts_nothing) {
  run();
  attach(7, "w");
  set({}, {{"w", true, 0}});
  arrive({of_job(7, task(1), "a")});
  command("pause_job", 0, 7);
  command("resume_job", 0, 7);
  EXPECT_THAT(started(), IsEmpty());
  set({}, {});
  EXPECT_THAT(started(), ElementsAre(1));
}

// Whatever comes, ends, is cancelled or changed: never more than a limit, and all run in the end.
TEST_F(scheduler_limits, no_limit_is_exceeded_and_no_slot_is_lost) {
  std::mt19937_64 random(test_seed());
  run();
  int key_most = 1, of_w = 3;
  std::map<std::int64_t, int> of_job_most{{7, 2}, {8, 1}};
  set({full_key(when_full::wait)}, {{"w", false, of_w}});
  for (const auto& [id, most] : of_job_most) attach_limited(id, most, "w");
  struct about {
    std::string key;
    std::int64_t job;
  };
  std::map<std::int64_t, about> tasks;
  std::set<std::int64_t> open;  // not started, nor cancelled
  const auto check = [&] {
    for (const auto id : started()) {
      EXPECT_EQ(open.erase(id), 1u) << id;
      std::map<std::string, int> keys;
      std::map<std::int64_t, int> by_job;
      int all = 0;
      for (const auto& [other, r] : in_pool) {
        const about& a = tasks.at(other);
        ++keys[a.key];
        ++by_job[a.job];
        all += a.job != 0 ? 1 : 0;
      }
      const about& mine = tasks.at(id);
      if (!mine.key.empty()) {
        ASSERT_LE(keys[mine.key], key_most) << id;
      }
      if (mine.job != 0) {
        ASSERT_LE(by_job[mine.job], of_job_most[mine.job]) << id;
        ASSERT_LE(all, of_w) << id;
      }
    }
  };
  std::int64_t next = 0;
  for (int step = 0; step < 3'000; ++step) {
    switch (random() % 8) {
      case 0:
      case 1: {
        about a{random() % 3 == 0 ? "" : std::string(1, char('a' + random() % 3)),
                random() % 3 == 0 ? 0 : static_cast<std::int64_t>(7 + random() % 2)};
        arrival t = keyed(++next, a.key, static_cast<int>(random() % 3) * 40);
        if (a.job != 0) t = of_job(a.job, std::move(t));
        tasks[next] = a;
        open.insert(next);
        arrive({std::move(t)});
        break;
      }
      case 2: {
        if (open.empty() && in_pool.empty()) break;
        const bool runs = !in_pool.empty() && (open.empty() || random() % 2 == 0);
        const auto id = runs ? in_pool.begin()->first : *open.begin();
        const auto job_of = tasks[id].job;
        if (job_of == 0)
          command("cancel_task", id);
        else
          tell(job(job_of), scheduler, forget_task{task_id{id}, job_id{job_of}});
        settle();
        open.erase(id);
        break;
      }
      case 3: {
        key_most = static_cast<int>(1 + random() % 2);
        of_w = static_cast<int>(1 + random() % 4);
        set({full_key(when_full::wait, key_most)}, {{"w", random() % 4 == 0, of_w}});
        break;
      }
      case 4: {
        const auto id = static_cast<std::int64_t>(7 + random() % 2);
        of_job_most[id] = static_cast<int>(1 + random() % 3);
        limit_job(id, std::to_string(of_job_most[id]));
        break;
      }
      default: {
        if (in_pool.empty()) break;
        auto at = in_pool.begin();
        std::advance(at, static_cast<long>(random() % in_pool.size()));
        finish(at->first);
        if (random() % 2 == 0) commit_all();
      }
    }
    ASSERT_NO_FATAL_FAILURE(check()) << "step " << step;
  }
  set({full_key(when_full::wait, key_most)}, {{"w", false, of_w}});
  while (!in_pool.empty()) {
    ASSERT_NO_FATAL_FAILURE(check());
    finish(in_pool.begin()->first);
  }
  ASSERT_NO_FATAL_FAILURE(check());
  EXPECT_TRUE(open.empty()) << open.size() << " never started";
  EXPECT_EQ(number("waiting_for_slots"), 0);
}

}  // namespace
}  // namespace cascade
