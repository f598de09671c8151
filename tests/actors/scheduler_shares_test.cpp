// What a full key does to others, and who gets the workers.
#include "tests/actors/limits_fixture.hpp"

namespace cascade {
namespace {

struct scheduler_shares : scheduler_limits {};
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(scheduler_shares, cancel_newest_cancels_who_finds_its_key_in_use) {
  run();
  set({full_key(when_full::cancel_newest)});
  arrive({keyed(1, "a"), keyed(2, "a"), keyed(3, "b"), task(4)});
  EXPECT_THAT(started(), ElementsAre(1, 3, 4));
  EXPECT_THAT(cancelled(), ElementsAre(2));
  finish(1);
  arrive({keyed(5, "a")});
  EXPECT_THAT(started(), ElementsAre(5));
  EXPECT_THAT(cancelled(), IsEmpty());
}

TEST_F(scheduler_shares, a_step_that_its_key_cancels_is_ended_by_its_job) {
  run();
  set({full_key(when_full::cancel_newest)});
  attach(7, "w");
  arrive({keyed(1, "a"), of_job(7, keyed(2, "a"), "s")});
  EXPECT_THAT(started(), ElementsAre(1));
  ASSERT_EQ(job_parts[7].commands.size(), 1u);
  EXPECT_EQ(job_parts[7].commands[0].kind, "displace_task");
  EXPECT_EQ(job_parts[7].commands[0].task, task_id{2});
  const int idles = job_parts[7].idles;
  tell(job(7), scheduler, forget_task{task_id{2}, job_id{7}});
  settle();
  EXPECT_GT(job_parts[7].idles, idles) << "nothing of it is open";
}

TEST_F(scheduler_shares, cancel_running_lets_only_the_newest_go_on) {
  run();
  set({full_key(when_full::cancel_running)});
  arrive({keyed(1, "a")});
  EXPECT_THAT(started(), ElementsAre(1));
  arrive({keyed(2, "a"), keyed(9, "b")});
  EXPECT_THAT(stopped, ElementsAre(1));
  EXPECT_THAT(started(), ElementsAre(9)) << "the old one has not ended: never two at a time";
  arrive({keyed(3, "a")});
  EXPECT_THAT(cancelled(), ElementsAre(1, 2));
  EXPECT_THAT(started(), IsEmpty());
  finish(1);
  EXPECT_THAT(started(), ElementsAre(3));
  finish(3);
  arrive({keyed(8, "a")});
  EXPECT_THAT(started(), ElementsAre(8));
  commit_all();
  arrive({keyed(7, "a")});
  EXPECT_EQ(cancelled(), ids{7}) << "a retry is not newer than what was pushed after it";
}

TEST_F(scheduler_shares, round_robin_gives_the_keys_turns_whatever_their_age_and_priority) {
  slots = 1;
  run();
  set({full_key(when_full::round_robin)});
  arrive({task(100)});
  started();
  arrive({keyed(1, "a", 90), keyed(2, "a", 90), keyed(3, "a", 90), keyed(4, "b", 10),
          keyed(5, "b", 10)});
  ids order;
  for (std::int64_t last = 100; order.size() < 5;) {
    finish(last);
    const ids next = started();
    ASSERT_EQ(next.size(), 1u);
    order.push_back(last = next[0]);
  }
  EXPECT_THAT(order, ElementsAre(1, 4, 2, 5, 3));
}

TEST_F(scheduler_shares, queues_and_tenants_share_the_workers_by_weight) {
  slots = 1;
  run();
  queue_settings a{.name = "a"}, b{.name = "b"};
  a.weight = 3;
  a.tenants = {{tenant_of("big"), fair_stride(2)}};
  set({a, b});
  std::map<std::int64_t, std::string> whose;
  std::vector<arrival> all;
  for (std::int64_t i = 1; i <= 300; ++i) {
    arrival t = task(i, 50, i % 2 == 0 ? "a" : "b");
    const std::string tenant = i % 2 != 0 ? "" : i % 4 == 0 ? "big" : "small";
    t.tenant = tenant_of(tenant);
    whose[i] = i % 2 == 0 ? tenant : "b";
    all.push_back(std::move(t));
  }
  arrive(std::move(all));
  std::map<std::string, int> starts;
  for (int i = 0; i < 80; ++i) {
    const ids now = started();
    ASSERT_EQ(now.size(), 1u);
    ++starts[whose[now[0]]];
    finish(now[0]);
  }
  EXPECT_NEAR(starts["b"], 20, 1);
  EXPECT_NEAR(starts["big"], 40, 1);
  EXPECT_NEAR(starts["small"], 20, 1);
}

TEST_F(scheduler_shares, who_waited_for_a_key_takes_turns_with_other_queues_too) {
  slots = 1;
  run();
  std::vector<arrival> all;
  for (std::int64_t i = 1; i <= 20; ++i) all.push_back(keyed(i, "a"));
  for (std::int64_t i = 21; i <= 40; ++i) all.push_back(task(i, 50, "other"));
  arrive(std::move(all));
  int others = 0;
  for (int i = 0; i < 20; ++i) {
    const ids now = started();
    ASSERT_EQ(now.size(), 1u);
    others += now[0] > 20 ? 1 : 0;
    finish(now[0]);
  }
  EXPECT_NEAR(others, 10, 1);
}

TEST_F(scheduler_shares, ageing_lets_the_least_urgent_start_in_the_end) {
  slots = 1;
  engine_test::settings.ageing = 1s;
  run();
  arrive({task(1, 50, "low")});
  started();
  arrive({task(2, 40, "low")});
  for (std::int64_t id = 1, next = 10; next < 400; ++next) {
    arrive({task(next, 50, "high")});
    elapse(100ms);
    finish(id);
    const ids now = started();
    ASSERT_EQ(now.size(), 1u);
    id = now[0];
    if (id == 2) {
      EXPECT_NEAR(static_cast<double>(next), 109, 3) << "ten points, one a second";
      return;
    }
  }
  FAIL() << "it starved";
}

}  // namespace
}  // namespace cascade
