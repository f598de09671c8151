// What a message between two actors costs with the settings of the service: policy "sharing", two
// threads. A short task takes about six hops from its INSERT to its commit, so that one must stay
// far below a commit. A hop is the time from send to handler when nothing else is going on, waking
// a thread included; a volley is what a busy actor sends.
#include <benchmark/benchmark.h>

#include <semaphore>

#include "actors/messages.hpp"

namespace {

using namespace cascade;

struct config : caf::actor_system_config {
  config() {
    add_message_types<caf::id_block::cascade>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
    set("scheduler.max-throughput", std::size_t{200});
  }
};

// What the actors of one benchmark share. Only the one whose turn it is touches `left`.
struct game {
  std::uint64_t left = 0;
  std::binary_semaphore over{0};

  bool done() {
    if (--left > 0) return false;
    over.release();
    return true;
  }
};

using player = caf::typed_actor<caf::reacts_to<scheduler_wake>, caf::reacts_to<tasks_done>>;
using sender = caf::typed_actor<caf::reacts_to<page_taken>>;

player::behavior_type play(player::pointer self, game* g) {
  const auto back = [self, g](auto ball) {
    if (!g->done()) self->send(caf::actor_cast<player>(self->current_sender()), std::move(ball));
  };
  return {
      [back](scheduler_wake ball) { back(ball); },
      [back](tasks_done& ball) { back(std::move(ball)); },
  };
}

player::behavior_type count(player::pointer, game* g) {
  return {
      [g](const scheduler_wake&) { g->done(); },
      [g](const tasks_done&) { g->done(); },
  };
}

sender::behavior_type send_volleys(sender::pointer self, player to, std::int64_t size) {
  return {[self, to, size](const page_taken&) {
    for (std::int64_t i = 0; i < size; ++i) self->send(to, scheduler_wake{});
  }};
}

template <class Ball>
void hop(benchmark::State& state, const Ball& ball) {
  constexpr std::uint64_t hops = 1'000;
  game g;
  config settings;
  caf::actor_system system(settings);
  const auto first = system.spawn(play, &g), second = system.spawn(play, &g);
  for (auto _ : state) {
    g.left = hops;
    caf::send_as(second, first, Ball(ball));
    g.over.acquire();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(hops));
}

void hop_of_a_signal(benchmark::State& state) { hop(state, scheduler_wake{}); }
BENCHMARK(hop_of_a_signal)->UseRealTime();

void hop_of_a_list(benchmark::State& state) {
  tasks_done ball;
  ball.tasks.resize(static_cast<std::size_t>(state.range(0)));
  hop(state, ball);
}
BENCHMARK(hop_of_a_list)->ArgName("tasks")->Arg(1'000)->UseRealTime();

void volley(benchmark::State& state) {
  const auto size = state.range(0);
  game g;
  config settings;
  caf::actor_system system(settings);
  const auto to = system.spawn(count, &g);
  const auto from = system.spawn(send_volleys, to, size);
  for (auto _ : state) {
    g.left = static_cast<std::uint64_t>(size);
    caf::anon_send(from, page_taken{});
    g.over.acquire();
  }
  state.SetItemsProcessed(state.iterations() * size);
}
BENCHMARK(volley)->ArgName("messages")->Arg(100)->Arg(100'000)->UseRealTime();

// From a thread that is not CAF's, as answers of the database come, and back.
void from_outside_and_back(benchmark::State& state) {
  game g;
  config settings;
  caf::actor_system system(settings);
  const auto to = system.spawn(count, &g);
  for (auto _ : state) {
    g.left = 1;
    caf::anon_send(to, scheduler_wake{});
    g.over.acquire();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(from_outside_and_back)->UseRealTime();

}  // namespace
