// How much a job's graph costs its owner: start, one settled task, wide fan-in, large for_each,
// compiling a workflow.
#include <benchmark/benchmark.h>

#include "state/dag.hpp"
#include "workflow/parse.hpp"

namespace {

using namespace cascade;
using nlohmann::json;

std::string name(std::int64_t i) { return "s" + std::to_string(i); }

std::shared_ptr<const workflow_plan> plan_of(json steps) {
  auto definition = read_workflow({{"name", "bench"}, {"steps", std::move(steps)}});
  return workflow_plan::make(std::make_shared<workflow_definition>(std::move(definition).value()))
      .value();
}

json chain(std::int64_t count) {
  json steps = json::array();
  for (std::int64_t i = 0; i < count; ++i) {
    steps.push_back({{"name", name(i)}, {"handler", "h"}});
    if (i == 0) continue;
    steps.back()["depends_on"] = {name(i - 1)};
    steps.back()["input"] = {{"before", "${steps." + name(i - 1) + ".result}"}};
  }
  return steps;
}

json fan_in(std::int64_t count) {
  json steps = json::array(), all = json::array();
  for (std::int64_t i = 0; i + 1 < count; ++i) {
    steps.push_back({{"name", name(i)}, {"handler", "h"}});
    all.push_back(name(i));
  }
  steps.push_back({{"name", "last"}, {"handler", "h"}, {"depends_on", std::move(all)}});
  return steps;
}

// Start and every task settled, one after another.
void run_all(benchmark::State& state, const std::shared_ptr<const workflow_plan>& plan) {
  for (auto _ : state) {
    job_graph graph(plan, json::object(), {job_id{1}});
    decisions d = graph.start();
    std::vector<step_index> open;
    for (const auto& r : d.released) open.push_back(r.step);
    for (std::size_t at = 0; at < open.size(); ++at) {
      d = graph.settled(open[at], -1, task_state::completed, 1);
      for (const auto& r : d.released) open.push_back(r.step);
    }
    if (!d.end) state.SkipWithError("the job did not end");
  }
  state.SetItemsProcessed(state.iterations() * plan->step_count());
}

void run_chain(benchmark::State& state) { run_all(state, plan_of(chain(state.range(0)))); }
BENCHMARK(run_chain)->ArgName("steps")->Arg(400)->Arg(10'000);

void run_fan_in(benchmark::State& state) { run_all(state, plan_of(fan_in(state.range(0)))); }
BENCHMARK(run_fan_in)->ArgName("steps")->Arg(400)->Arg(10'000);

void run_for_each(benchmark::State& state) {
  const auto plan = plan_of(
      json::array({{{"name", "each"},
                    {"handler", "h"},
                    {"for_each", "range(input.n)"},
                    {"input", {{"id", "${item}"}, {"text", "item ${index} of ${input.n}"}}}}}));
  const auto count = static_cast<int>(state.range(0));
  for (auto _ : state) {
    job_graph graph(plan, {{"n", count}}, {job_id{1}});
    benchmark::DoNotOptimize(graph.start());
    for (int i = 0; i < count; ++i)
      benchmark::DoNotOptimize(graph.settled(0, i, task_state::completed, i));
    if (!graph.ended()) state.SkipWithError("the job did not end");
  }
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(run_for_each)->ArgName("items")->Arg(1'000)->Arg(100'000);

void restart(benchmark::State& state) {
  const auto plan = plan_of(chain(state.range(0)));
  for (auto _ : state) {
    job_graph graph(plan, json::object(), {job_id{1}});
    for (step_index i = 0; i < plan->step_count(); ++i) {
      step_row row;
      row.step = i;
      row.state = i < plan->step_count() / 2 ? task_state::completed : task_state::waiting;
      graph.restore(std::move(row));
    }
    benchmark::DoNotOptimize(graph.start());
  }
  state.SetItemsProcessed(state.iterations() * plan->step_count());
}
BENCHMARK(restart)->ArgName("steps")->Arg(10'000);

void make_plan(benchmark::State& state) {
  auto definition = read_workflow({{"name", "bench"}, {"steps", chain(state.range(0))}});
  const auto shared = std::make_shared<const workflow_definition>(std::move(definition).value());
  for (auto _ : state) benchmark::DoNotOptimize(workflow_plan::make(shared).has_value());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(make_plan)->ArgName("steps")->Arg(400)->Arg(10'000);

void parse_json_file(benchmark::State& state) {
  const std::string text = json{{"name", "bench"}, {"steps", chain(state.range(0))}}.dump(1);
  for (auto _ : state) benchmark::DoNotOptimize(parse_workflow(text, "bench.json").has_value());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_json_file)->ArgName("steps")->Arg(400)->Arg(10'000);

}  // namespace
