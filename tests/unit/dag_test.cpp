#include "tests/unit/dag_driver.hpp"

namespace cascade {
namespace {

TEST(dag, a_diamond_runs_in_order_and_gives_the_results_of_its_leaves) {
  driven job(job_of(diamond));
  EXPECT_THAT(job.released(), ElementsAre("a"));
  job.done("a");
  EXPECT_THAT(job.released(), ElementsAre("b", "c"));
  job.done("c");
  EXPECT_TRUE(job.last.empty());
  job.done("b");
  EXPECT_THAT(job.released(), ElementsAre("d"));
  job.done("d", {{"rows", 3}});
  ASSERT_TRUE(job.last.end);
  EXPECT_EQ(job.last.end->state, job_state::completed);
  EXPECT_EQ(job.last.end->result, json::parse(R"({"d": {"rows": 3}})"));
  EXPECT_TRUE(job.graph.ended());
}

TEST(dag, a_failure_skips_what_needs_it_and_lets_the_rest_run) {
  json steps = diamond;
  steps.push_back({{"name", "e"}, {"depends_on", {"c"}}});
  driven job(job_of(steps));
  job.done("a");
  job.fails("b", "no disk");
  EXPECT_TRUE(job.last.empty()) << "d waits for all its dependencies";
  job.done("c");
  EXPECT_THAT(job.released(), ElementsAre("e"));
  EXPECT_THAT(job.skipped(), ElementsAre("d"));
  EXPECT_EQ(job.last.skipped[0].reason, "step \"b\" is failed");
  job.done("e");
  ASSERT_TRUE(job.last.end);
  EXPECT_EQ(job.last.end->state, job_state::failed);
  EXPECT_EQ(job.last.end->error, "step \"b\" is failed: no disk");
}

TEST(dag, one_failed_sees_failures_through_skipped_steps_and_all_done_runs_whatever_happened) {
  const json steps = json::parse(R"([
    {"name": "a"}, {"name": "b", "depends_on": ["a"]},
    {"name": "alarm", "depends_on": ["b"], "run": "one_failed", "input": {"was": "${steps.a.status}: ${steps.a.error}"}},
    {"name": "tidy", "depends_on": ["b"], "run": "all_done"}])");
  driven good(job_of(steps));
  good.done("a");
  good.done("b");
  EXPECT_THAT(good.released(), ElementsAre("tidy"));
  EXPECT_THAT(good.skipped(), ElementsAre("alarm"));

  driven bad(job_of(steps));
  bad.fails("a", "no net");
  EXPECT_THAT(bad.skipped(), ElementsAre("b"));
  EXPECT_THAT(bad.released(), ElementsAre("alarm", "tidy"));
  EXPECT_EQ(*bad.last.released[0].payload, json::parse(R"({"was": "failed: no net"})"));
  bad.done("alarm");
  bad.done("tidy");
  EXPECT_EQ(bad.last.end->state, job_state::failed) << "handling a failure does not undo it";
}

TEST(dag, a_step_that_may_fail_neither_fails_the_job_nor_stops_others) {
  driven job(job_of(json::parse(
      R"([{"name": "a", "allow_failure": true}, {"name": "b", "depends_on": ["a"]}])")));
  job.fails("a");
  EXPECT_THAT(job.released(), ElementsAre("b"));
  job.done("b");
  EXPECT_EQ(job.last.end->state, job_state::completed);
}

TEST(dag, a_false_condition_skips_the_step_and_what_needs_it) {
  const json steps = json::parse(R"([
    {"name": "a"}, {"name": "b", "depends_on": ["a"], "when": "steps.a.result.n > 2"},
    {"name": "c", "depends_on": ["b"]}, {"name": "d", "depends_on": ["c"], "run": "all_done"}])");
  driven job(job_of(steps));
  job.done("a", {{"n", 2}});
  EXPECT_THAT(job.skipped(), ElementsAre("b", "c"));
  EXPECT_THAT(job.released(), ElementsAre("d"));
  job.done("d");
  EXPECT_EQ(job.last.end->state, job_state::completed);
}

TEST(dag, an_expression_that_fails_fails_its_step) {
  driven job(job_of(json::parse(R"([
    {"name": "a", "when": "input.missing"}, {"name": "b", "when": "1"},
    {"name": "c", "input": {"x": ["${input.x / 0}"]}}, {"name": "d", "for_each": "input.x"}])"),
                    {{"x", 1}}));
  EXPECT_THAT(job.failed(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(job.last.failed[0].error,
            "when, column 7: there is no field \"missing\"; there are: \"x\"");
  EXPECT_EQ(job.last.failed[1].error, "when: expected true or false, found 1");
  EXPECT_EQ(job.last.failed[2].error, "input.x.0, column 11: division by zero");
  EXPECT_EQ(job.last.failed[3].error, "for_each: expected a list, found 1");
  EXPECT_EQ(job.last.end->state, job_state::failed);
  EXPECT_THAT(job.last.end->error, HasSubstr("(and 3 more)"));
}

TEST(dag, a_for_each_becomes_one_row_an_item_and_its_results_keep_the_order) {
  driven job(job_of(fan));
  job.done("list", {"x", "y", "z"});
  ASSERT_EQ(job.last.expanded.size(), 1u);
  const auto& e = job.last.expanded[0];
  EXPECT_EQ(e.count, 3);
  ASSERT_EQ(e.items.size(), 3u);
  EXPECT_EQ(e.items[2].payload, json::parse(R"({"id": "z", "n": 2})"));
  EXPECT_EQ(job.graph.active_count(), 3u);
  job.done("each", 30, 2);
  job.done("each", 10, 0);
  job.done("each", 10, 0);
  EXPECT_TRUE(job.last.empty()) << "a repeated answer changes nothing";
  job.done("each", 20, 1);
  EXPECT_THAT(job.released(), ElementsAre("sum"));
  EXPECT_EQ(*job.last.released[0].payload, json::parse(R"({"all": [10, 20, 30]})"));
}

TEST(dag, an_empty_for_each_counts_as_success) {
  driven job(job_of(fan));
  job.done("list", json::array());
  EXPECT_THAT(job.skipped(), ElementsAre("each"));
  EXPECT_EQ(*job.last.skipped[0].result, json::array());
  EXPECT_THAT(job.released(), ElementsAre("sum"));
  EXPECT_EQ(*job.last.released[0].payload, json::parse(R"({"all": []})"));
}

TEST(dag, a_for_each_fails_once_all_items_are_settled) {
  driven job(job_of(fan));
  job.done("list", {1, 2});
  job.fails("each", "odd", 0);
  EXPECT_TRUE(job.last.empty());
  job.done("each", nullptr, 1);
  EXPECT_THAT(job.skipped(), ElementsAre("sum"));
  EXPECT_EQ(job.last.end->error, "step \"each\" is failed: item 0: odd");
}

TEST(dag, without_an_input_template_an_item_is_the_payload_itself) {
  driven job(job_of(json::parse(R"([{"name": "a"}, {"name": "b", "for_each": [5, {"k": 1}]}])")));
  EXPECT_EQ(*job.last.released[0].payload, json::object());
  EXPECT_EQ(job.last.expanded[0].items[1].payload, json::parse(R"({"k": 1})"));
}

TEST(dag, the_result_is_what_the_template_says) {
  driven job(job_of(
      json::parse(R"([{"name": "a"}, {"name": "b"}])"), {{"k", 1}},
      json::parse(
          R"({"sum": "${steps.a.result + steps.b.result + input.k}", "job": "${job.id}"})")));
  job.done("a", 1);
  job.done("b", 2);
  EXPECT_EQ(job.last.end->result, json::parse(R"({"sum": 4, "job": 7})"));
}

TEST(dag, a_result_that_cannot_be_made_fails_the_job) {
  driven job(job_of(json::parse(R"([{"name": "a"}])"), json::object(), "${steps.a.result.x}"));
  job.done("a", 1);
  EXPECT_EQ(job.last.end->state, job_state::failed);
  EXPECT_THAT(job.last.end->error, HasSubstr("result, column"));
}

TEST(dag, cancelling_skips_what_waits_and_cancels_what_runs) {
  driven job(job_of(diamond));
  job.last = job.graph.cancel();
  EXPECT_THAT(rows(job.graph, job.last.cancelled), ElementsAre("a"));
  EXPECT_THAT(job.skipped(), ElementsAre("b", "c", "d"));
  EXPECT_FALSE(job.last.end);
  EXPECT_TRUE(job.graph.cancel().empty());
  job.last = job.graph.settled(0, -1, task_state::cancelled, {}, "cancelled");
  EXPECT_EQ(job.last.end->state, job_state::cancelled);
}

TEST(dag, a_job_cancelled_before_it_started_starts_nothing) {
  job_graph g = job_of(diamond);
  EXPECT_TRUE(g.cancel().empty());
  const decisions d = g.start();
  EXPECT_THAT(d.released, IsEmpty());
  EXPECT_EQ(d.skipped.size(), 4u);
  EXPECT_EQ(d.end->state, job_state::cancelled);
}

TEST(dag, a_waiting_step_cancelled_by_hand_fails_the_job) {
  driven job(job_of(diamond));
  job.last = job.graph.settled(job.at("d"), -1, task_state::cancelled);
  EXPECT_TRUE(job.last.empty());
  job.done("a");
  job.done("b");
  job.done("c");
  EXPECT_EQ(job.last.end->state, job_state::failed);
}

TEST(dag, a_long_chain_of_skips_does_not_recurse) {
  json steps = json::array({{{"name", "s0"}}});
  for (int i = 1; i < 10'000; ++i)
    steps.push_back(
        {{"name", "s" + std::to_string(i)}, {"depends_on", {"s" + std::to_string(i - 1)}}});
  driven job(job_of(steps));
  job.fails("s0");
  EXPECT_EQ(job.last.skipped.size(), 9'999u);
  EXPECT_TRUE(job.last.end);
}

}  // namespace
}  // namespace cascade
