// tests/support/played/actor_test.hpp
//
// Fixture for actors in virtual time: nothing runs, and no time passes, but in settle() and
// elapse().
#pragma once

#include <gtest/gtest.h>

#include <caf/scheduler/test_coordinator.hpp>

#include "actors/messages.hpp"

namespace cascade {

class actor_test : public ::testing::Test {
  // (Defined apart: the table of all messages takes a compiler half a minute.)
  struct config : caf::actor_system_config {
    config();
  };
  config config_;

public:
  caf::actor_system sys{config_};
  caf::scheduler::test_coordinator& sched =
      dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  caf::scoped_actor self{sys};

  // An actor that a test forgot must fail the test, not hang it.
  ~actor_test() override;

  // Runs every message there is. Due timers fire in elapse() only.
  void settle();
  void elapse(caf::timespan d);

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

}  // namespace cascade
