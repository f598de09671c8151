#include "state/step_graph.hpp"

#include <algorithm>

namespace cascade {
namespace {

// Every step that Kahn's algorithm leaves over has a left-over dependency: walking back must come
// round.
std::vector<step_index> cycle_among(const step_graph& graph,
                                    const std::vector<std::uint32_t>& open) {
  const auto first = std::find_if(open.begin(), open.end(), [](std::uint32_t n) { return n > 0; });
  if (first == open.end()) return {};
  std::vector<step_index> walk;
  std::vector<bool> seen(open.size());
  auto at = static_cast<step_index>(first - open.begin());
  while (!seen[at]) {
    seen[at] = true;
    walk.push_back(at);
    const auto& behind = graph.depends_on[at];
    at = *std::find_if(behind.begin(), behind.end(), [&](step_index d) { return open[d] > 0; });
  }
  walk.erase(walk.begin(), std::find(walk.begin(), walk.end(), at));
  std::reverse(walk.begin(), walk.end());
  std::rotate(walk.begin(), std::min_element(walk.begin(), walk.end()), walk.end());
  return walk;
}

}  // namespace

step_graph step_graph::build(std::vector<std::vector<step_index>> depends_on) {
  step_graph out;
  out.depends_on = std::move(depends_on);
  const auto count = static_cast<step_index>(out.depends_on.size());
  out.dependents.resize(count);
  std::vector<std::uint32_t> open(count);
  for (step_index i = 0; i < count; ++i) {
    auto& needed = out.depends_on[i];
    std::sort(needed.begin(), needed.end());
    needed.erase(std::unique(needed.begin(), needed.end()), needed.end());
    open[i] = static_cast<std::uint32_t>(needed.size());
    for (const step_index d : needed) out.dependents[d].push_back(i);
  }
  out.order.reserve(count);
  for (step_index i = 0; i < count; ++i)
    if (open[i] == 0) out.order.push_back(i);
  for (std::size_t at = 0; at < out.order.size(); ++at)
    for (const step_index d : out.dependents[out.order[at]])
      if (--open[d] == 0) out.order.push_back(d);
  out.cycle = cycle_among(out, open);
  return out;
}

ancestor_sets::ancestor_sets(const step_graph& graph)
    : width_((graph.depends_on.size() + 63) / 64), words_(width_ * graph.depends_on.size()) {
  for (const step_index i : graph.order)
    for (const step_index d : graph.depends_on[i]) {
      for (std::size_t w = 0; w < width_; ++w) words_[i * width_ + w] |= words_[d * width_ + w];
      words_[i * width_ + d / 64] |= std::uint64_t{1} << (d % 64);
    }
}

}  // namespace cascade
