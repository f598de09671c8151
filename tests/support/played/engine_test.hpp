// tests/support/played/engine_test.hpp
//
// Fixture for one actor of the engine in virtual time. The test plays its neighbours with small
// typed actors that write down what they get; what they write to is shared with the test on
// purpose: everything, the Asio side included, runs on the test's own thread.
//
// Ends     a test that played parts calls end_all() before what they write to goes away.
#pragma once

#include "actors/context.hpp"
#include "tests/support/played/actor_test.hpp"

namespace cascade {

using namespace std::chrono_literals;

class engine_test : public actor_test {
public:
  boost::asio::io_context io;
  handler_registry handlers;
  engine_settings settings;  // may be changed until the first use of context()
  std::shared_ptr<database_port> port;
  std::vector<bool> readiness;  // what on_ready was told
  gateway_actor gateway;
  std::vector<database_user> users;  // attached to the gateway
  database_changed last_change;

  engine_test();
  ~engine_test() override { end_all(); }

  engine_context_ptr context();

  // An actor that answers with what `behave(self)` returns; ended with the test.
  template <class Interface, class F>
  Interface spawn_part(F behave) {
    // (CAF 0.17 dereferences null for a functor without arguments.)
    auto handle = sys.spawn([](typename Interface::pointer me, F f) ->
                            typename Interface::behavior_type { return f(me); },
                            std::move(behave));
    return keep(handle);
  }
  template <class Handle>
  Handle keep(Handle handle) {
    kept_.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
    return handle;
  }
  void end_all();

  // A message in the name of `from`.
  template <class From, class To, class Message>
  void tell(const From& from, const To& to, Message m) {
    caf::actor_cast<caf::strong_actor_ptr>(to)->enqueue(
        caf::actor_cast<caf::strong_actor_ptr>(from), caf::make_message_id(),
        caf::make_message(std::move(m)), nullptr);
  }

  // What the gateway says to everybody who attached.
  void announce(const database_changed& change);

  // Watches an actor's end; ended() is its reason, or none while it lives.
  template <class Handle>
  void watch(const Handle& whom) {
    self->monitor(whom);
  }
  std::optional<caf::error> ended();

private:
  engine_context_ptr context_;
  std::vector<caf::strong_actor_ptr> kept_;
};

}  // namespace cascade
