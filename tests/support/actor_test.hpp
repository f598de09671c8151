// tests/support/actor_test.hpp
//
// Fixture for actors in virtual time: nothing runs, and no time passes, but in settle() and
// elapse().
#pragma once

#include <gtest/gtest.h>

#include <caf/scheduler/test_coordinator.hpp>
#include <cstdlib>
#include <iostream>
#include <random>

#include "actors/messages.hpp"

namespace cascade {

class actor_test : public ::testing::Test {
  struct config : caf::actor_system_config {
    config() {
      add_message_types<caf::id_block::cascade>();
      set("scheduler.policy", caf::atom("testing"));
      set("logger.verbosity", caf::atom("quiet"));
    }
  };
  config config_;

public:
  caf::actor_system sys{config_};
  caf::scheduler::test_coordinator& sched =
      dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  caf::scoped_actor self{sys};

  // An actor that a test forgot must fail the test, not hang it.
  ~actor_test() override {
    settle();
    sys.await_actors_before_shutdown(false);
  }

  // Runs every message there is. Due timers fire in elapse() only.
  void settle() {
    while (sched.has_job()) sched.run();
  }

  void elapse(caf::timespan d) {
    settle();
    sched.advance_time(d);
    settle();
  }

  // A request on its way. take() gives the answer, or request_timeout when there is none yet.
  template <class Reply, class Pending>
  caf::expected<Reply> take(Pending&& pending) {
    caf::expected<Reply> out{caf::make_error(caf::sec::request_timeout)};
    settle();
    if (!self->has_next_message()) return out;
    pending.receive([&](Reply& r) { out = std::move(r); },
                    [&](caf::error& e) { out = std::move(e); });
    return out;
  }

  template <class Handle, class Message>
  auto begin_ask(const Handle& whom, Message m) {
    return self->request(whom, std::chrono::minutes(60 * 24 * 365), std::move(m));
  }

  template <class Reply, class Handle, class Message>
  caf::expected<Reply> ask(const Handle& whom, Message m) {
    return take<Reply>(begin_ask(whom, std::move(m)));
  }
};

// The seed of a random test: CASCADE_SEED, or a fresh one; printed either way.
inline std::uint64_t test_seed() {
  const char* given = std::getenv("CASCADE_SEED");
  const auto seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "CASCADE_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace cascade
