// tests/support/engine_test.hpp
//
// Fixture for one actor of the engine in virtual time. The test plays its neighbours with small
// typed actors that write down what they get; what they write to is shared with the test on
// purpose: everything, the Asio side included, runs on the test's own thread.
//
// Ends     a test that played parts calls end_all() before what they write to goes away.
#pragma once

#include <spdlog/sinks/null_sink.h>

#include "actors/context.hpp"
#include "tests/support/actor_test.hpp"

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

  engine_test() {
    // Never called: the test plays the pool. Their kinds say what occupies a slot.
    handlers.add_async("work", [](const task_run&, const completion&) {});
    handlers.add(
        "quick", [](const task_run&) { return outcome::success(); }, run_on::worker);
    handlers.freeze();
    settings.workers = 4;
    settings.seed = 1;
    settings.retry = {retry_kind::fixed, 100ms, 1.0, 100ms, 0.0};
    gateway = spawn_part<gateway_actor>([this](auto* me) {
      return gateway_actor::behavior_type{
          [this, me](const attach_database&) {
            users.push_back(caf::actor_cast<database_user>(me->current_sender()));
            if (last_change.up) me->send(users.back(), last_change);
          },
          [](const describe&) { return description{}; },
      };
    });
  }
  ~engine_test() override { end_all(); }

  engine_context_ptr context() {
    if (context_) return context_;
    auto made = std::make_shared<engine_context>();
    made->settings = settings;
    made->io = &io;
    port = std::make_shared<database_port>(60s);
    made->database = port;
    made->run = std::make_shared<runner>(handlers, io);
    made->log =
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_st>());
    made->on_ready = [this](bool ready, epoch_id) { readiness.push_back(ready); };
    return context_ = made;
  }

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
  void end_all() {
    for (const auto& a : std::exchange(kept_, {})) caf::anon_send_exit(a, caf::exit_reason::kill);
    users.clear();
    gateway = nullptr;
    settle();
  }

  // A message in the name of `from`.
  template <class From, class To, class Message>
  void tell(const From& from, const To& to, Message m) {
    caf::actor_cast<caf::strong_actor_ptr>(to)->enqueue(
        caf::actor_cast<caf::strong_actor_ptr>(from), caf::make_message_id(),
        caf::make_message(std::move(m)), nullptr);
  }

  // What the gateway says to everybody who attached.
  void announce(database_changed change) {
    last_change = change;
    for (const auto& user : users) tell(gateway, user, change);
    settle();
  }

  // Watches an actor's end; ended() is its reason, or none while it lives.
  template <class Handle>
  void watch(const Handle& whom) {
    self->monitor(whom);
  }
  std::optional<caf::error> ended() {
    std::optional<caf::error> out;
    settle();
    if (self->has_next_message())
      self->receive([&](caf::down_msg& m) { out = std::move(m.reason); });
    return out;
  }

private:
  engine_context_ptr context_;
  std::vector<caf::strong_actor_ptr> kept_;
};

}  // namespace cascade
