// state/step_graph.hpp
//
// The bare shape of a workflow: who waits for whom.
//
// Cost  build O(steps + dependencies); ancestors O(steps * dependencies / 64) time, steps^2 / 8
//       bytes.
#pragma once

#include <cstdint>
#include <vector>

namespace cascade {

using step_index = std::uint32_t;  // position in workflow_definition::steps

struct step_graph {
  std::vector<std::vector<step_index>> depends_on;  // ascending, no doubles
  std::vector<std::vector<step_index>> dependents;  // ascending
  std::vector<step_index> order;  // dependencies first; without the steps of a cycle and behind it
  // When there is one: its steps, each followed by one that depends on it, the first one not
  // repeated.
  std::vector<step_index> cycle;

  // Requires: indexes below depends_on.size(). A step that depends on itself is a cycle of one.
  static step_graph build(std::vector<std::vector<step_index>> depends_on);
};

// Answers "does `step` come after `other`, through any number of arrows?" Requires: no cycle.
class ancestor_sets {
public:
  explicit ancestor_sets(const step_graph& graph);
  bool contains(step_index step, step_index other) const {
    return (words_[step * width_ + other / 64] >> (other % 64) & 1) != 0;
  }

private:
  std::size_t width_;
  std::vector<std::uint64_t> words_;
};

}  // namespace cascade
