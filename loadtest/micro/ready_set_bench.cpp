// Goal: with 1,000,000 ready keys, a push and a choice with its pop take less than 200 ns each,
// however many priorities are in use, with up to 16 lots. With 128 of them the choice, which looks
// at every lot, is nearly all there is. "heap" is a std::priority_queue with the order of one lot,
// for comparison.
#include <benchmark/benchmark.h>

#include <queue>
#include <random>

#include "triggers/ready_set.hpp"

namespace {

using namespace cascade;

struct ready_contestant {
  explicit ready_contestant(std::int64_t lots) {
    for (std::int64_t i = 0; i < lots; ++i)
      set.lot("queue " + std::to_string(i), handler_class::slot);
  }
  void push(ready_set::lot_index lot, const ready_key& key) { set.push_back(lot, key); }
  std::pair<ready_set::lot_index, ready_key> pop() {
    const auto head = *set.choose(handler_class::slot, [](ready_set::lot_index) { return true; });
    return {head.lot, set.pop(head)};
  }
  std::size_t size() const { return set.size(); }

  ready_set set;
};

struct heap_contestant {
  explicit heap_contestant(std::int64_t) {}
  void push(ready_set::lot_index, const ready_key& key) { queue.push({++pushed, key}); }
  std::pair<ready_set::lot_index, ready_key> pop() {
    const ready_key key = queue.top().key;
    queue.pop();
    return {0, key};
  }
  std::size_t size() const { return queue.size(); }

  struct entry {
    std::uint64_t number;
    ready_key key;
    bool operator<(const entry& other) const {
      if (key.priority != other.key.priority) return key.priority < other.key.priority;
      return number > other.number;
    }
  };
  std::uint64_t pushed = 0;
  std::priority_queue<entry> queue;
};

// The same keys for every contestant, priorities and lots in no order.
struct load {
  explicit load(const benchmark::State& state)
      : keys(static_cast<std::size_t>(state.range(0))), lots(keys.size()) {
    std::mt19937_64 random(11);
    const auto priorities = static_cast<std::uint64_t>(state.range(1));
    const auto lot_count = static_cast<std::uint64_t>(state.range(2));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i].id = task_id{static_cast<std::int64_t>(i + 1)};
      keys[i].body = 1;  // hot: nothing has to be fetched
      keys[i].priority = static_cast<std::uint8_t>(random() % priorities);
      lots[i] = static_cast<ready_set::lot_index>(random() % lot_count);
    }
  }
  template <class Contestant>
  void push_to(Contestant& c) const {
    for (std::size_t i = 0; i < keys.size(); ++i) c.push(lots[i], keys[i]);
  }

  std::vector<ready_key> keys;
  std::vector<ready_set::lot_index> lots;
};

template <class Contestant>
void push_all(benchmark::State& state) {
  const load all(state);
  for (auto _ : state) {
    state.PauseTiming();
    {
      Contestant c(state.range(2));
      state.ResumeTiming();
      all.push_to(c);
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Contestant>
void pop_all(benchmark::State& state) {
  const load all(state);
  for (auto _ : state) {
    state.PauseTiming();
    Contestant c(state.range(2));
    all.push_to(c);
    state.ResumeTiming();
    while (c.size() > 0) benchmark::DoNotOptimize(c.pop());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// A node under load: for each key that leaves, one of the same priority comes.
template <class Contestant>
void pop_and_push(benchmark::State& state) {
  const load all(state);
  Contestant c(state.range(2));
  all.push_to(c);
  for (auto _ : state) {
    const auto [lot, key] = c.pop();
    c.push(lot, key);
  }
  if (c.size() != all.keys.size()) state.SkipWithError("a key was lost");
  state.SetItemsProcessed(state.iterations());
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"keys", "priorities", "lots"});
  b->Args({1'000, 101, 1})->Args({1'000'000, 1, 1})->Args({1'000'000, 101, 1});
  b->Args({1'000'000, 101, 16})->Args({1'000'000, 101, 128});
}
void heap_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"keys", "priorities", "lots"});
  b->Args({1'000, 101, 1})->Args({1'000'000, 101, 1});
}

BENCHMARK_TEMPLATE(push_all, ready_contestant)->Apply(shapes);
BENCHMARK_TEMPLATE(push_all, heap_contestant)->Apply(heap_shapes);
BENCHMARK_TEMPLATE(pop_all, ready_contestant)->Apply(shapes);
BENCHMARK_TEMPLATE(pop_all, heap_contestant)->Apply(heap_shapes);
BENCHMARK_TEMPLATE(pop_and_push, ready_contestant)->Apply(shapes);
BENCHMARK_TEMPLATE(pop_and_push, heap_contestant)->Apply(heap_shapes);

}  // namespace
