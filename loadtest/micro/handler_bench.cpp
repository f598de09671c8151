// Goal: what the way through the runner costs, without the handler's own work. A noop on a worker's
// thread must stay well under 1 us. Not measured: the database, the actors.
#include <benchmark/benchmark.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <latch>
#include <optional>
#include <string>
#include <thread>

#include "executors/builtin.hpp"
#include "executors/runner.hpp"

namespace {

using namespace cascade;

struct bench_runner {
  bench_runner() {
    add_builtin_handlers(handlers, io);
    handlers.add("thread_noop", [](const task_run&) { return outcome::success(); });
    for (int i = 0; i < 50; ++i)
      handlers.add("other_" + std::to_string(i),
                   [](const task_run&) { return outcome::success(); });
    handlers.freeze();
    run.emplace(handlers, io, runner_options{.command_log = {}});
    io_thread = std::thread([this] { io.run(); });
  }
  ~bench_runner() {
    run.reset();
    guard.reset();
    io_thread.join();
  }

  handler_registry handlers;
  boost::asio::io_context io;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard{
      io.get_executor()};
  std::optional<runner> run;
  std::thread io_thread;
};

task_run task(const char* handler, std::string payload) {
  task_run run;
  run.id = task_id{1};
  run.handler = handler;
  run.payload = std::move(payload);
  return run;
}

void run_inline(benchmark::State& state, const char* handler, const char* payload) {
  bench_runner b;
  const task_run one = task(handler, payload);
  for (auto _ : state) benchmark::DoNotOptimize(b.run->run_inline(one));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(run_inline, noop, "noop", "null");
BENCHMARK_CAPTURE(run_inline, echo_small, "echo", R"({"id": 7, "name": "resize"})");

// Starts `batch` attempts, waits for all.
void start_batch(benchmark::State& state, const task_run& one) {
  bench_runner b;
  const auto batch = state.range(0);
  for (auto _ : state) {
    auto all = std::make_shared<std::latch>(batch);
    for (std::int64_t i = 0; i < batch; ++i)
      b.run->start(one, [all](outcome) { all->count_down(); });
    all->wait();
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

void start_thread(benchmark::State& state) { start_batch(state, task("thread_noop", "null")); }
BENCHMARK(start_thread)->ArgName("batch")->Arg(1)->Arg(100)->UseRealTime();

void start_async(benchmark::State& state) { start_batch(state, task("sleep", R"({"ms": 0})")); }
BENCHMARK(start_async)->ArgName("batch")->Arg(1)->Arg(100)->UseRealTime();

void start_command(benchmark::State& state) {
  task_run one = task("command", "null");
  one.command = R"(["/bin/true"])";
  start_batch(state, one);
}
BENCHMARK(start_command)->ArgName("batch")->Arg(1)->Arg(20)->UseRealTime();

}  // namespace
