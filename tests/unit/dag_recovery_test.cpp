#include "tests/unit/dag_driver.hpp"

namespace cascade {
namespace {

TEST(dag_recovery, a_restart_goes_on_where_it_was) {
  const auto plan = plan_of(fan);
  job_graph g(plan, json::object(), {job_id{7}});
  g.restore({.step = 1,
             .item = 2,
             .state = task_state::running,
             .reason = {},
             .result = {},
             .error = {}});
  g.restore({.step = 2,
             .item = -1,
             .state = task_state::waiting,
             .reason = waiting_reason::dependency,
             .result = {},
             .error = {}});
  g.restore({.step = 1,
             .item = 0,
             .state = task_state::completed,
             .reason = {},
             .result = 10,
             .error = {}});
  g.restore({.step = 0,
             .item = -1,
             .state = task_state::completed,
             .reason = {},
             .result = json{"x", "y", "z"},
             .error = {}});
  const decisions d = g.start();
  ASSERT_EQ(d.expanded.size(), 1u) << "item 1 was not written";
  ASSERT_EQ(d.expanded[0].items.size(), 1u);
  EXPECT_EQ(d.expanded[0].items[0].item, 1);
  EXPECT_EQ(d.expanded[0].count, 3);
  EXPECT_TRUE(g.settled(1, 1, task_state::completed, 20).empty());
  const decisions last = g.settled(1, 2, task_state::completed, 30);
  ASSERT_EQ(last.released.size(), 1u);
  EXPECT_EQ(*last.released[0].payload, json::parse(R"({"all": [10, 20, 30]})"));
}

TEST(dag_recovery, a_restart_of_a_finished_job_only_ends_it) {
  job_graph g = job_of(json::parse(R"([{"name": "a"}, {"name": "b", "depends_on": ["a"]}])"));
  g.restore({.step = 0,
             .item = -1,
             .state = task_state::failed,
             .reason = {},
             .result = {},
             .error = "e"});
  g.restore({.step = 1,
             .item = -1,
             .state = task_state::skipped,
             .reason = {},
             .result = {},
             .error = {}});
  decisions d = g.start();
  ASSERT_TRUE(d.end);
  EXPECT_EQ(d.end->state, job_state::failed);
  d.end.reset();
  EXPECT_TRUE(d.empty());
}

TEST(dag_recovery, another_round_runs_what_failed_and_what_was_skipped_for_it) {
  json steps = diamond;
  steps.push_back({{"name", "never"}, {"when", "false"}});
  driven job(job_of(steps));
  job.done("a");
  job.done("c", 5);
  job.fails("b");
  ASSERT_EQ(job.last.end->state, job_state::failed);
  job.last = job.graph.redrive();
  EXPECT_THAT(job.reopened(), ElementsAre("b", "d"));
  EXPECT_THAT(job.released(), ElementsAre("b"));
  EXPECT_THAT(job.skipped(), IsEmpty()) << "what is not needed stays as it is";
  job.done("b");
  EXPECT_THAT(job.released(), ElementsAre("d"));
  EXPECT_THAT(job.reopened(), IsEmpty());
  job.done("d");
  EXPECT_EQ(job.last.end->state, job_state::completed);
  EXPECT_TRUE(job.graph.redrive().empty());
}

TEST(dag_recovery, another_round_of_a_for_each_runs_only_its_failed_items) {
  driven job(job_of(fan));
  job.done("list", {1, 2, 3});
  job.done("each", 10, 0);
  job.fails("each", "x", 1);
  job.fails("each", "x", 2);
  job.last = job.graph.redrive(job.at("each"), 2);
  EXPECT_THAT(job.reopened(), ElementsAre("each#2", "sum"));
  EXPECT_THAT(job.released(), ElementsAre("each#2"));
  EXPECT_FALSE(job.last.released[0].payload);
  job.done("each", 30, 2);
  ASSERT_TRUE(job.last.end);
  job.last = job.graph.redrive();
  EXPECT_THAT(job.released(), ElementsAre("each#1"));
  job.done("each", 20, 1);
  EXPECT_EQ(*job.last.released[0].payload, json::parse(R"({"all": [10, 20, 30]})"));
}

TEST(dag_recovery, a_cancelled_job_can_be_taken_up_again) {
  driven job(job_of(diamond));
  job.last = job.graph.cancel();
  job.last = job.graph.settled(0, -1, task_state::cancelled);
  ASSERT_TRUE(job.last.end);
  job.last = job.graph.redrive();
  EXPECT_THAT(job.reopened(), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(job.released(), ElementsAre("a"));
  for (const char* name : {"a", "b", "c", "d"}) job.done(name);
  EXPECT_EQ(job.last.end->state, job_state::completed);
}

}  // namespace
}  // namespace cascade
