#include "workflow/graph.hpp"

#include <gtest/gtest.h>

#include "workflow/builder.hpp"

namespace cascade {
namespace {

workflow_definition example() {
  workflow_builder wf("w");
  wf.step("list").handler("http");
  wf.step("each").handler("resize").after("list").for_each("steps.list.result");
  wf.step("alarm")
      .handler("mail \"me\"];\nevil")
      .after("each")
      .run(run_rule::one_failed)
      .when("input.k < '\\\\'");
  workflow_definition out = wf.build().value();
  out.name = "w\"x";  // a reader refuses it; the pictures must stand it all the same
  return out;
}

TEST(workflow_graph, mermaid) {
  EXPECT_EQ(to_mermaid(example()), R"(flowchart TD
  s0["list<br/>http"]
  s1[["each<br/>resize<br/>for each of steps.list.result"]]
  s2[/"alarm<br/>mail #34;me#34;#93;#59; evil<br/>when input.k #60; #39;#92;#92;#39;"/]
  s0 --> s1
  s1 -->|one_failed| s2
)");
}

TEST(workflow_graph, dot) {
  EXPECT_EQ(to_dot(example()), R"(digraph "w\"x" {
  node [shape=box];
  s0 [label="list\nhttp"];
  s1 [label="each\nresize\nfor each of steps.list.result", peripheries=2];
  s2 [label="alarm\nmail \"me\"]; evil\nwhen input.k < '\\\\'", style=dashed];
  s0 -> s1;
  s1 -> s2 [label="one_failed"];
}
)");
}

}  // namespace
}  // namespace cascade
