// Random workflows, run by job_graph over a table of rows and compared with a slow model.
// RapidCheck prints the seed; RC_PARAMS="seed=..." runs it again.
#include "state/dag.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/property/dag_simulation.hpp"

namespace cascade {
namespace {

std::vector<random_step> draw_steps() {
  const auto outcome = rc::gen::weightedElement<task_state>({{6, task_state::completed},
                                                             {2, task_state::failed},
                                                             {1, task_state::cancelled},
                                                             {1, task_state::quarantined}});
  std::vector<random_step> out(*rc::gen::inRange<std::size_t>(1, 12));
  for (step_index i = 0; i < out.size(); ++i) {
    random_step& s = out[i];
    if (i > 0) {
      s.depends_on =
          *rc::gen::container<std::vector<step_index>>(rc::gen::inRange<step_index>(0, i));
      if (s.depends_on.size() > 4) s.depends_on.resize(4);
    }
    s.run = *rc::gen::weightedElement<run_rule>(
        {{6, run_rule::all_success}, {2, run_rule::all_done}, {2, run_rule::one_failed}});
    s.allow_failure = *rc::gen::weightedElement<bool>({{5, false}, {1, true}});
    s.when = *rc::gen::weightedElement<when_kind>({{8, when_kind::none},
                                                   {1, when_kind::holds},
                                                   {1, when_kind::fails},
                                                   {1, when_kind::broken}});
    s.items = *rc::gen::weightedElement<int>({{6, -1}, {1, 0}, {1, 1}, {2, 3}});
    s.outcomes = *rc::gen::container<std::vector<std::vector<task_state>>>(
        2, rc::gen::container<std::vector<task_state>>(3, outcome));
  }
  return out;
}

std::string printed(const table& rows) {
  std::string out;
  for (const auto& [key, r] : rows)
    out += step_name(key.first) + "#" + std::to_string(key.second) + " " +
           std::string(to_string(r.state)) + "\n";
  return out;
}

void require_sound(const simulation& sim) {
  RC_LOG() << printed(sim.rows);
  RC_ASSERT(sim.broken == "");
}

// The rows must be those of the model, and the end too.
void compare(const simulation& sim, const std::vector<random_step>& steps,
             const std::vector<model_step>& model) {
  RC_LOG() << printed(sim.rows);
  for (step_index i = 0; i < steps.size(); ++i) {
    if (!model[i].expanded) {
      RC_ASSERT(sim.rows.contains({i, -1}));
      RC_ASSERT(to_string(sim.rows.at({i, -1}).state) == to_string(model[i].state));
      continue;
    }
    RC_ASSERT(!sim.rows.contains({i, -1}));
    for (std::size_t n = 0; n < model[i].items.size(); ++n) {
      const row_key key{i, static_cast<int>(n)};
      RC_ASSERT(sim.rows.contains(key));
      RC_ASSERT(to_string(sim.rows.at(key).state) == to_string(model[i].items[n]));
    }
  }
  RC_ASSERT(sim.end.has_value());
  RC_ASSERT(to_string(sim.end->state) == to_string(model_end(steps, model)));
}

RC_GTEST_PROP(dag_property, every_step_runs_exactly_once_after_its_dependencies, ()) {
  const auto steps = draw_steps();
  RC_LOG() << workflow_of(steps).dump(1) << "\n";
  simulation sim(steps, *rc::gen::arbitrary<std::uint64_t>(), false);
  sim.run();
  require_sound(sim);
  compare(sim, steps, model_run(steps, 1));
  for (const auto& [key, count] : sim.runs) RC_ASSERT(count == 1);
}

RC_GTEST_PROP(dag_property, a_crash_at_any_point_changes_nothing, ()) {
  const auto steps = draw_steps();
  RC_LOG() << workflow_of(steps).dump(1) << "\n";
  simulation sim(steps, *rc::gen::arbitrary<std::uint64_t>(), true);
  sim.run();
  require_sound(sim);
  compare(sim, steps, model_run(steps, 1));
  for (const auto& [key, count] : sim.runs) RC_ASSERT(count == 1);
}

RC_GTEST_PROP(dag_property, another_round_does_what_is_left, (bool crashes)) {
  const auto steps = draw_steps();
  RC_LOG() << workflow_of(steps).dump(1) << "\n";
  simulation sim(steps, *rc::gen::arbitrary<std::uint64_t>(), crashes);
  sim.run();
  require_sound(sim);
  RC_PRE(sim.end->state == job_state::failed);
  sim.redrive();
  sim.run();
  require_sound(sim);
  compare(sim, steps, model_run(steps, 2));
}

RC_GTEST_PROP(dag_property, a_cancelled_job_ends_with_everything_finished, (bool crashes)) {
  const auto steps = draw_steps();
  RC_LOG() << workflow_of(steps).dump(1) << "\n";
  simulation sim(steps, *rc::gen::arbitrary<std::uint64_t>(), crashes);
  RC_PRE(!sim.end);
  sim.run(*rc::gen::inRange(0, 4));
  require_sound(sim);
  RC_ASSERT(sim.end.has_value());
  for (const auto& [key, r] : sim.rows) RC_ASSERT(is_finished(r.state));
}

RC_GTEST_PROP(dag_property, a_planted_cycle_is_always_found, ()) {
  const auto count = *rc::gen::inRange<step_index>(1, 40);
  std::vector<std::vector<step_index>> arrows(count);
  for (step_index i = 1; i < count; ++i)
    arrows[i] = *rc::gen::container<std::vector<step_index>>(rc::gen::inRange<step_index>(0, i));
  RC_ASSERT(step_graph::build(arrows).cycle.empty());
  RC_ASSERT(step_graph::build(arrows).order.size() == count);

  // Some steps, each waiting for the next, in a ring.
  auto ring = *rc::gen::unique<std::vector<step_index>>(rc::gen::inRange<step_index>(0, count));
  if (ring.empty()) ring.push_back(0);
  for (std::size_t i = 0; i < ring.size(); ++i)
    arrows[ring[i]].push_back(ring[(i + 1) % ring.size()]);
  const auto graph = step_graph::build(arrows);
  RC_ASSERT(!graph.cycle.empty());
  for (std::size_t i = 0; i < graph.cycle.size(); ++i) {
    const auto& needed = graph.depends_on[graph.cycle[(i + 1) % graph.cycle.size()]];
    RC_ASSERT(std::find(needed.begin(), needed.end(), graph.cycle[i]) != needed.end());
  }
}

RC_GTEST_PROP(dag_property, ancestors_are_what_a_search_finds, ()) {
  const auto count = *rc::gen::inRange<step_index>(1, 90);
  std::vector<std::vector<step_index>> arrows(count);
  for (step_index i = 1; i < count; ++i)
    arrows[i] = *rc::gen::container<std::vector<step_index>>(2, rc::gen::inRange<step_index>(0, i));
  const auto graph = step_graph::build(arrows);
  const ancestor_sets sets(graph);
  for (step_index i = 0; i < count; ++i) {
    std::set<step_index> seen;
    std::vector<step_index> open{i};
    while (!open.empty()) {
      const step_index at = open.back();
      open.pop_back();
      for (const step_index d : graph.depends_on[at])
        if (seen.insert(d).second) open.push_back(d);
    }
    for (step_index other = 0; other < count; ++other)
      RC_ASSERT(sets.contains(i, other) == seen.contains(other));
  }
}

}  // namespace
}  // namespace cascade
