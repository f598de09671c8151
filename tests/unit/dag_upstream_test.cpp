// What a step waits for, through any number of dependencies.
#include <random>

#include "tests/support/seed.hpp"
#include "tests/unit/dag_driver.hpp"

namespace cascade {
namespace {

std::vector<std::string> open_before(const driven& job, const char* step) {
  std::vector<std::string> out;
  for (const auto& [s, item] : job.graph.open_before(job.at(step)))
    out.push_back(job.graph.plan().step(s).name + (item < 0 ? "" : "#" + std::to_string(item)));
  std::ranges::sort(out);
  return out;
}

TEST(dag_upstream, is_everything_before_a_step_that_has_not_ended) {
  driven job(job_of(diamond));
  EXPECT_THAT(open_before(job, "d"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(open_before(job, "b"), ElementsAre("a"));
  EXPECT_THAT(open_before(job, "a"), IsEmpty());
  job.done("a");
  job.done("b");
  EXPECT_THAT(open_before(job, "d"), ElementsAre("c"));
}

TEST(dag_upstream, items_of_a_fan_out_count_one_by_one) {
  driven job(job_of(fan));
  EXPECT_THAT(open_before(job, "sum"), ElementsAre("each", "list"));
  job.done("list", json::array({1, 2, 3}));
  EXPECT_THAT(open_before(job, "sum"), ElementsAre("each#0", "each#1", "each#2"));
  job.done("each", nullptr, 1);
  EXPECT_THAT(open_before(job, "sum"), ElementsAre("each#0", "each#2"));
  EXPECT_FALSE(job.graph.is_open(job.at("each"), 1));
  EXPECT_TRUE(job.graph.is_open(job.at("sum"), -1));
}

TEST(dag_upstream, agrees_with_the_ancestors_of_random_graphs) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 200; ++round) {
    const auto n = static_cast<int>(1 + random() % 20);
    json steps = json::array();
    for (int i = 0; i < n; ++i) {
      json needs = json::array();
      for (int d = 0; d < i; ++d)
        if (random() % 4 == 0) needs.push_back("s" + std::to_string(d));
      steps.push_back(
          {{"name", "s" + std::to_string(i)}, {"depends_on", needs}, {"run", "all_done"}});
    }
    driven job(job_of(steps));
    const ancestor_sets before(job.graph.plan().graph());
    for (int i = 0; i < n; ++i) {
      for (step_index step = 0; step < static_cast<step_index>(n); ++step) {
        std::vector<std::pair<step_index, int>> expected;
        for (step_index other = 0; other < static_cast<step_index>(n); ++other)
          if (before.contains(step, other) && !job.graph.is_settled(other))
            expected.emplace_back(other, -1);
        auto found = job.graph.open_before(step);
        std::ranges::sort(found);
        ASSERT_EQ(found, expected);
      }
      const std::string name = "s" + std::to_string(i);
      random() % 3 == 0 ? job.fails(name.c_str()) : job.done(name.c_str());
    }
  }
}

}  // namespace
}  // namespace cascade
