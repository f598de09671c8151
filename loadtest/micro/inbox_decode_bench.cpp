// What the Asio thread pays for a page of the inbox: rows of a result to what the scheduler gets.
// The page is freed within the measurement, as its reader does in the end. Not measured: the
// server, the socket, libpq's parsing of the stream.
#include <benchmark/benchmark.h>

#include "actors/decode.hpp"
#include "loadtest/micro/made_rows.hpp"

namespace {

using namespace cascade;

struct sample {
  bool step = false;  // of a job, with all that a step may say
  std::string payload;
};

// Columns as in sql/queries/read_inbox.sql.
pg::params task_row(std::int64_t id, const sample& like) {
  pg::params p;
  p.text("t").int8(id);
  like.step ? p.int8(id / 100 + 1) : p.int8({});
  p.int2(50).text("pending").text({}).int8({}).text("default").text("resize").int2(0).int2(3);
  if (like.step)
    p.int4(static_cast<std::int32_t>(id % 100)).text("make_thumbnails").int8(30'000);
  else
    p.int4({}).text({}).int8({});
  like.step ? p.text(R"({"max_attempts": 3, "backoff": "exponential"})") : p.text({});
  p.text({}).text({}).text({}).text({});
  return std::move(p.int8({}).boolean(true).text(like.payload));
}

pg::params snapshot_row() {
  pg::params p;
  p.text("s").int8({}).int8({}).int2({}).text({}).text({}).int8(1).text({}).text({}).int2({});
  return std::move(p.int2({})
                       .int4({})
                       .text({})
                       .int8({})
                       .text({})
                       .text({})
                       .text({})
                       .text({})
                       .text({})
                       .int8({})
                       .boolean(true)
                       .text("900:950:"));
}

void decode(benchmark::State& state, const sample& like) {
  const auto count = state.range(0);
  made_rows made;
  made.add(snapshot_row());
  for (std::int64_t i = 1; i <= count; ++i) made.add(task_row(i, like));
  const pg::rows rows = made.take();
  for (auto _ : state) {
    inbox_page page;
    decode_inbox(rows, page);
    if (page.rows() != static_cast<std::size_t>(count)) state.SkipWithError("a row was lost");
    benchmark::DoNotOptimize(page);
  }
  state.SetItemsProcessed(state.iterations() * count);
}

// One row is what a woken inbox finds, 2,000 a full page.
void counts(benchmark::internal::Benchmark* b) { b->ArgName("rows")->Arg(1)->Arg(100)->Arg(2'000); }

void loose_tasks(benchmark::State& state) { decode(state, {false, R"({"id": 7})"}); }
BENCHMARK(loose_tasks)->Apply(counts);

void steps(benchmark::State& state) {
  decode(state, {true, R"({"name": ")" + std::string(1'000, 'x') + R"("})"});
}
BENCHMARK(steps)->Apply(counts);

}  // namespace
