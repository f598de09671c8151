// What JSON costs on its way to a row and back: an outcome is checked, becomes the parameters of a
// batch, comes back as text of a row, and is parsed where an expression needs it. Each stage alone,
// then all of it. The size is that of one document's text.
#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "loadtest/micro/made_rows.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace {

using namespace cascade;
using nlohmann::json;

// An object with a list of records until its text has about `bytes`.
json document(std::int64_t bytes) {
  json out{{"id", 7}, {"name", "resize"}};
  for (int i = 0; static_cast<std::int64_t>(out.dump().size()) < bytes; ++i)
    out["items"].push_back({{"path", "/photos/2024/" + std::to_string(i) + ".jpg"},
                            {"width", 1'920 + i},
                            {"ratio", 1.5},
                            {"done", i % 2 == 0}});
  return out;
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgName("bytes")->Arg(24)->Arg(1'000)->Arg(100'000);
}
void count(benchmark::State& state, std::int64_t documents, const std::string& text) {
  state.SetItemsProcessed(state.iterations() * documents);
  state.SetBytesProcessed(state.iterations() * documents * static_cast<std::int64_t>(text.size()));
}

void dump_document(benchmark::State& state) {
  const json value = document(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(dump(value));
  count(state, 1, dump(value));
}
BENCHMARK(dump_document)->Apply(sizes);

void parse_document(benchmark::State& state) {
  const std::string text = dump(document(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(json::parse(text, nullptr, false));
  count(state, 1, text);
}
BENCHMARK(parse_document)->Apply(sizes);

void check_result(benchmark::State& state) {
  const std::string text = dump(document(state.range(0)));
  for (auto _ : state)
    if (json_storage_problem(text, limits::result_bytes_max)) state.SkipWithError("refused");
  count(state, 1, text);
}
BENCHMARK(check_result)->Apply(sizes);

struct result {
  std::int64_t id = 0;
  std::int16_t attempt = 1;
  std::string text;
};

// As the recorder writes completions: one array a column, for all rows of a batch.
pg::params parameters(const std::vector<result>& results) {
  return std::move(pg::params{}
                       .int8s(results, &result::id)
                       .int2s(results, &result::attempt)
                       .texts(results, [](const result& r) { return std::string_view(r.text); }));
}

void results_to_parameters(benchmark::State& state) {
  constexpr std::int64_t rows = 100;
  const std::vector<result> results(rows, {1, 1, dump(document(state.range(0)))});
  for (auto _ : state) benchmark::DoNotOptimize(parameters(results));
  count(state, rows, results[0].text);
}
BENCHMARK(results_to_parameters)->Apply(sizes);

void text_of_a_row(benchmark::State& state) {
  constexpr int count_of_rows = 100;
  const std::string text = dump(document(state.range(0)));
  made_rows made;
  for (int i = 0; i < count_of_rows; ++i) made.add(pg::params{}.int8(i).text(text));
  const pg::rows rows = made.take();
  for (auto _ : state)
    for (int i = 0; i < count_of_rows; ++i) benchmark::DoNotOptimize(std::string(rows.text(i, 1)));
  count(state, count_of_rows, text);
}
BENCHMARK(text_of_a_row)->Apply(sizes);

// made_rows copies the value into libpq's memory, as receiving it does.
void there_and_back(benchmark::State& state) {
  const json value = document(state.range(0));
  for (auto _ : state) {
    const std::string text = dump(value);
    if (json_storage_problem(text, limits::result_bytes_max)) state.SkipWithError("refused");
    made_rows made;
    made.add(pg::params{}.int8(1).text(text));
    const pg::rows rows = made.take();
    const json back = json::parse(rows.text(0, 1), nullptr, false);
    if (back.size() != value.size()) state.SkipWithError("a member was lost");
  }
  count(state, 1, dump(value));
}
BENCHMARK(there_and_back)->Apply(sizes);

}  // namespace
