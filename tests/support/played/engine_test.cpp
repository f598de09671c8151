#include "tests/support/played/engine_test.hpp"

#include <spdlog/sinks/null_sink.h>

namespace cascade {

engine_test::engine_test() {
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

engine_context_ptr engine_test::context() {
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

void engine_test::end_all() {
  for (const auto& a : std::exchange(kept_, {})) caf::anon_send_exit(a, caf::exit_reason::kill);
  users.clear();
  gateway = nullptr;
  settle();
}

void engine_test::announce(const database_changed& change) {
  last_change = change;
  for (const auto& user : users) tell(gateway, user, change);
  settle();
}

std::optional<caf::error> engine_test::ended() {
  std::optional<caf::error> out;
  settle();
  if (self->has_next_message()) self->receive([&](caf::down_msg& m) { out = std::move(m.reason); });
  return out;
}

}  // namespace cascade
