// The state of a task by its id: from the cache, and from Postgres with a prepared statement on an
// open connection. CASCADE_TEST_DATABASE names a server; without it, only memory is measured.
//
// Goal      from memory at least 50 times as fast.
// Not here  the way of a question between actors: actor_hop_bench.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <random>

#include "actors/cached_rows.hpp"
#include "pg/connection.hpp"
#include "sql/queries.hpp"

namespace {

using namespace cascade;

task_info some_task() {
  task_info t;
  t.queue = "default";
  t.handler = "resize";
  return t;
}

void from_memory(benchmark::State& state) {
  const auto count = state.range(0);
  task_cache cache({.entries_max = static_cast<std::size_t>(count),
                    .bytes_max = 1u << 30,
                    .ttl = std::chrono::seconds(30)});
  for (std::int64_t id = 1; id <= count; ++id) {
    const auto read = cache.wait(task_id{id}, 1);
    cache.end_read(*read, some_task(), 100, 0, {});
  }
  std::minstd_rand random(1);
  for (auto _ : state) {
    const auto* found = cache.find(task_id{1 + static_cast<std::int64_t>(random()) % count}, {});
    if (found == nullptr) state.SkipWithError("an entry was lost");
    benchmark::DoNotOptimize(task_info(*found));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(from_memory)->Arg(100)->Arg(10'000);

// What a committed batch costs the cache: nobody has asked for its tasks, or for all of them.
void told_of_a_batch(benchmark::State& state) {
  constexpr std::int64_t rows = 1'000;
  task_cache tasks({.entries_max = rows, .bytes_max = 1u << 30, .ttl = {}});
  job_cache jobs;
  for (std::int64_t id = 1; id <= state.range(0); ++id)
    tasks.end_read(*tasks.wait(task_id{id}, 1), some_task(), 100, 0, {});
  batch_committed batch;
  batch.settlements.emplace_back();
  for (std::int64_t id = 1; id <= rows; ++id) {
    completed_attempt c;
    c.id = task_id{id};
    batch.settlements[0].what.completed.push_back(c);
  }
  for (auto _ : state) {
    ++batch.number;
    write_through(tasks, jobs, batch);
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(told_of_a_batch)->Arg(0)->Arg(1'000);

void from_postgres(benchmark::State& state) {
  const char* server = std::getenv("CASCADE_TEST_DATABASE");
  if (server == nullptr || *server == '\0')
    return state.SkipWithError("CASCADE_TEST_DATABASE is not set");
  auto c = pg::connection::connect(server);
  if (!c) return state.SkipWithError(pg::to_string(c.error()).c_str());
  // The same row, in a table of its own: nothing of the schema is needed.
  const char* setup =
      "create temp table task (id bigint primary key, job_id bigint, status text, reason text, "
      "priority smallint, attempt smallint, max_attempts smallint, queue text, handler text, step "
      "text); insert into task select n, null, 'pending', null, 50, 0, 5, 'default', 'resize', "
      "null "
      "from generate_series(1, 10000) n; analyze task; prepare look (bigint) as select job_id, "
      "status, reason, priority, attempt, max_attempts, queue, handler, step from task where id = "
      "$1";
  if (const auto made = c.value().exec_text(setup); !made)
    return state.SkipWithError(pg::to_string(made.error()).c_str());
  std::minstd_rand random(1);
  for (auto _ : state) {
    const auto r = c.value().exec("execute look (" + std::to_string(1 + random() % 10'000) + ")");
    if (!r || r.value().size() != 1) state.SkipWithError("a row was lost");
    benchmark::DoNotOptimize(r);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(from_postgres)->UseRealTime();

}  // namespace
