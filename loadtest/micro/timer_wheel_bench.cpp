// Goal: with 1,000,000 armed entries, one cancel and one insert together take <= 100 ns (median),
// at least 5 times less than with boost::asio::steady_timer and with a std::priority_queue that
// deletes lazily. Not a goal: the cost of firing, which the work that becomes due dwarfs.
//
// The load is a steady state: deadlines of up to ten minutes, every one moved after five, so that
// none ever fires, while time goes on. What a cancelled entry costs later (a stale entry that comes
// up, an entry that moves down a level) counts. "sequential": each deadline is ten minutes ahead
// and the oldest one moves. "random": it is five to ten minutes ahead, and entries lie in memory in
// another order than they are moved in.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <numeric>
#include <queue>
#include <random>

#include "triggers/timer_wheel.hpp"

namespace {

using namespace cascade;

constexpr std::uint64_t horizon = 600'000;  // ticks

enum class order { sequential, random };

// What is moved, when, and to when; the same for all contestants.
class moves {
public:
  moves(std::size_t count, order which) : picks_(count), ahead_(count) {
    std::mt19937_64 random(7);
    std::iota(picks_.begin(), picks_.end(), 0u);
    if (which == order::random) std::shuffle(picks_.begin(), picks_.end(), random);
    for (auto& each : ahead_)
      each = static_cast<std::uint32_t>(
          which == order::sequential ? horizon : horizon / 2 + 2 + random() % (horizon / 2));
  }
  struct move {
    std::uint32_t pick;
    std::uint64_t now;
    std::uint64_t due;
  };
  move next() {
    const auto at = made_ % picks_.size();
    const auto now = made_++ * (horizon / 2) / picks_.size();
    return {picks_[at], now, now + ahead_[at]};
  }

private:
  std::uint64_t made_ = 0;
  std::vector<std::uint32_t> picks_, ahead_;
};

template <class Wheel>
class wheel_contestant {
public:
  explicit wheel_contestant(std::size_t count) : nodes_(count) {}
  void apply(const moves::move& m) {
    if (m.now != wheel_.now()) fired_ += wheel_.advance(m.now, [](auto&) {});
    wheel_.cancel(nodes_[m.pick]);
    wheel_.schedule(nodes_[m.pick], m.due);
  }
  [[nodiscard]] bool sound() const { return fired_ == 0 && wheel_.count() == nodes_.size(); }

private:
  std::vector<typename Wheel::node> nodes_;
  Wheel wheel_;
  std::size_t fired_ = 0;
};

// The context is polled now and then, because a cancelled wait leaves a completion behind.
class asio_contestant {
public:
  explicit asio_contestant(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) timers_.emplace_back(io_);
  }
  ~asio_contestant() {
    timers_.clear();
    io_.poll();
  }
  void apply(const moves::move& m) {
    timers_[m.pick].expires_at(start_ + std::chrono::milliseconds(m.due));  // cancels
    timers_[m.pick].async_wait([](const boost::system::error_code&) {});
    if (++applied_ % 1024 == 0) io_.poll();
  }
  [[nodiscard]] bool sound() const { return true; }

private:
  boost::asio::io_context io_{1};
  std::deque<boost::asio::steady_timer> timers_;
  std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now() + std::chrono::hours(1);
  std::size_t applied_ = 0;
};

// Lazy deletion: a cancelled entry stays until it comes up.
class heap_contestant {
public:
  explicit heap_contestant(std::size_t count) : generations_(count) {}
  void apply(const moves::move& m) {
    while (!queue_.empty() && queue_.top().due <= m.now) {
      fired_ += queue_.top().generation == generations_[queue_.top().index];
      queue_.pop();
    }
    queue_.push({m.due, m.pick, ++generations_[m.pick]});
  }
  [[nodiscard]] bool sound() const { return fired_ == 0; }

private:
  struct entry {
    std::uint64_t due;
    std::uint32_t index;
    std::uint32_t generation;
    bool operator<(const entry& other) const { return due > other.due; }
  };
  std::vector<std::uint32_t> generations_;
  std::priority_queue<entry> queue_;
  std::size_t fired_ = 0;
};

template <class Contestant, order which>
void cancel_and_insert(benchmark::State& state) {
  const auto armed = static_cast<std::size_t>(state.range(0));
  Contestant contestant(armed);
  moves load(armed, which);
  for (std::size_t i = 0; i < 2 * armed; ++i)
    contestant.apply(load.next());  // stale entries come up from here on
  for (auto _ : state) contestant.apply(load.next());
  if (!contestant.sound()) state.SkipWithError("a deadline fired that was moved in time");
  state.SetItemsProcessed(state.iterations());
}

void sizes(benchmark::internal::Benchmark* b) { b->ArgName("armed")->Arg(1'000)->Arg(1'000'000); }

using wheel_256 = wheel_contestant<timer_wheel>;
using wheel_64 = wheel_contestant<basic_timer_wheel<6, 6>>;

BENCHMARK_TEMPLATE(cancel_and_insert, wheel_256, order::sequential)->Apply(sizes);
BENCHMARK_TEMPLATE(cancel_and_insert, wheel_256, order::random)->Apply(sizes);
BENCHMARK_TEMPLATE(cancel_and_insert, wheel_64, order::sequential)->Apply(sizes);
BENCHMARK_TEMPLATE(cancel_and_insert, wheel_64, order::random)->Apply(sizes);
BENCHMARK_TEMPLATE(cancel_and_insert, asio_contestant, order::sequential)->Apply(sizes);
BENCHMARK_TEMPLATE(cancel_and_insert, asio_contestant, order::random)->Apply(sizes);
BENCHMARK_TEMPLATE(cancel_and_insert, heap_contestant, order::sequential)->Apply(sizes);
BENCHMARK_TEMPLATE(cancel_and_insert, heap_contestant, order::random)->Apply(sizes);

// A second of a busy node: 1,000 ticks, each firing its share of `armed` entries spread over ten
// seconds.
void advance_a_second(benchmark::State& state) {
  const auto armed = static_cast<std::size_t>(state.range(0));
  std::vector<timer_node> nodes(armed);
  timer_wheel wheel;
  std::mt19937_64 random(5);
  for (auto& n : nodes) wheel.schedule(n, 1 + random() % 10'000);
  std::int64_t fired = 0;
  for (auto _ : state)
    for (int i = 0; i < 1'000; ++i)
      fired += static_cast<std::int64_t>(wheel.advance(
          wheel.now() + 1, [&](timer_node& n) { wheel.schedule(n, wheel.now() + 10'000); }));
  state.SetItemsProcessed(fired);
}
BENCHMARK(advance_a_second)->Apply(sizes);

}  // namespace
