#include "workflow/builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "state/workflow_plan.hpp"
#include "workflow/input.hpp"
#include "workflow/parse.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(workflow_builder, gives_the_same_as_a_file) {
  workflow_builder wf("w");
  wf.param("day", param_type::string)
      .param("n", param_type::integer, 5)
      .result("${steps.b.result}");
  wf.step("a").handler("h").input({{"d", "${input.day}"}}).timeout(90s).retry({.base = 5s});
  wf.step("b")
      .command(std::vector<std::string>{"ls"})
      .after("a")
      .for_each("steps.a.result")
      .run(run_rule::all_done);
  const auto built = wf.build();
  ASSERT_TRUE(built);
  const auto parsed = parse_workflow(R"(name: w
params: {day: string, n: {type: integer, default: 5}}
steps:
- {name: a, handler: h, input: {d: "${input.day}"}, timeout: 90, retry: {base: 5s}}
- {name: b, command: [ls], depends_on: [a], for_each: steps.a.result, run: all_done}
result: ${steps.b.result}
)",
                                     "f");
  ASSERT_TRUE(parsed) << to_string(parsed.error()[0]);
  EXPECT_EQ(built.value(), parsed.value());
}

TEST(workflow_builder, is_checked_like_a_file) {
  workflow_builder wf("w");
  wf.step("a").priority(500).after("z");
  const auto built = wf.build();
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().size(), 3u) << "no handler, priority, unknown step";
}

TEST(workflow_input, is_checked_in_the_words_of_sql) {
  workflow_builder wf("nightly");
  wf.param("day", param_type::string).param("limit", param_type::integer, 10);
  param_definition mode;
  mode.name = "mode";
  mode.type = param_type::string;
  mode.required = false;
  mode.allowed = {"full", "quick"};
  wf.param(mode).step("a").handler("h");
  const auto w = wf.build().value();
  EXPECT_THAT(input_problems(w, {{"day", "d"}}), IsEmpty());
  EXPECT_THAT(input_problems(w, {{"day", 1}, {"limit", "x"}, {"mode", "slow"}, {"more", 1}}),
              testing::UnorderedElementsAre(
                  "workflow nightly: parameter \"day\" must be of type string, not number",
                  "workflow nightly: parameter \"limit\" must be an integer, not \"x\"",
                  "workflow nightly: parameter \"mode\" must be one of [\"full\", \"quick\"]",
                  "workflow nightly has no parameter \"more\""));
  EXPECT_THAT(input_problems(w, json::object()),
              ElementsAre("workflow nightly: parameter \"day\" is missing"));
  EXPECT_THAT(input_problems(w, json::array()),
              ElementsAre("workflow nightly: the input must be a JSON object, not array"));
  EXPECT_EQ(with_defaults(w, {{"day", "d"}})["limit"], 10);
}

TEST(workflow_docs, the_example_in_the_guide_is_a_workflow) {
  std::ifstream file(CASCADE_SOURCE_DIR "/docs/workflows.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string guide = text.str();
  const std::size_t from = guide.find("```yaml\n") + 8;
  const auto w = parse_workflow(
      std::string_view(guide).substr(from, guide.find("```", from) - from), "workflows.md");
  ASSERT_TRUE(w) << to_string(w.error()[0]);
  EXPECT_EQ(w.value().steps.size(), 4u);
  const auto plan = workflow_plan::make(std::make_shared<workflow_definition>(w.value()));
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan.value()->plan(1).result_needed);
  EXPECT_FALSE(plan.value()->plan(2).result_needed) << "only its status is read";
}

}  // namespace
}  // namespace cascade
