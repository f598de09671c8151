#include "actors/retention.hpp"

#include <nlohmann/json.hpp>

#include "actors/own_session.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

constexpr int steps_max = 10'000;
constexpr std::chrono::minutes retry_after{1};

using retention_impl = retention_actor::extend<caf::reacts_to<retention_wake>,  //
                                               caf::reacts_to<retention_answer>>;

struct retention_state {
  static inline const char* name = "cascade.retention";
  engine_context_ptr context;
  row_watcher watcher;                   // may be null
  std::shared_ptr<pg::session> session;  // while a round is under way
  bool owner = false;
  std::uint64_t round = 0;  // answers and timers of an earlier one are void
  int steps = 0;
  std::uint64_t rounds_done = 0, rounds_failed = 0, statements = 0;
  std::string last_problem;

  ~retention_state() {
    if (session) session->close();
  }
};
using retention_self = retention_impl::stateful_pointer<retention_state>;

std::shared_ptr<pg::session> open_session(const engine_context& context) {
  own_session o{.name = "retention", .role = "cascade_owner"};
  // What reads all partitions waits behind a lock that is asked for: never long.
  o.settings = {{"lock_timeout", "500ms"}};
  return open_own_session(context, std::move(o));
}

void send(retention_self self, pg::statement what, bool asks) {
  auto& state = self->state;
  state.session->submit(std::move(what),
                        pg::deadline::in(state.context->settings.database_deadline),
                        [to = caf::actor_cast<retention_impl>(self), round = state.round,
                         asks](pg::batch_reply reply) {
                          retention_answer answer;
                          answer.round = round;
                          answer.ok = reply.has_value();
                          if (!reply)
                            answer.problem = pg::to_string(reply.error());
                          else if (asks && !reply.value().front().is_null(0, 0))
                            answer.next = reply.value().front().text(0, 0);
                          else
                            answer.over = asks;
                          caf::anon_send(to, std::move(answer));
                        });
}

void ask(retention_self self) {
  const auto days = self->state.context->settings.retention_days;
  send(self, {sql::retention_step, pg::params{}.int4(days)}, true);
}

void end_round(retention_self self, std::chrono::milliseconds pause) {
  auto& state = self->state;
  std::exchange(state.session, nullptr)->close();
  self->delayed_send(self, pause, retention_wake{++state.round});
}

void answered(retention_self self, const retention_answer& a) {
  auto& state = self->state;
  if (a.round != state.round || !state.session) return;
  if (!a.ok) {
    ++state.rounds_failed;
    state.last_problem = a.problem;
    state.context->log->warn("cascade.retention.put_off text=\"{}\"", a.problem);
    if (state.watcher) self->send(state.watcher, rows_changed{});  // it may have been committed
    return end_round(self, retry_after);
  }
  if (a.over || ++state.steps > steps_max) {
    ++state.rounds_done;
    state.last_problem.clear();
    return end_round(self, a.over ? state.context->settings.retention_every : retry_after);
  }
  if (a.next.empty()) {
    if (state.watcher) self->send(state.watcher, rows_changed{});
    return ask(self);
  }
  ++state.statements;
  state.context->log->info("cascade.retention.run statement=\"{}\"", a.next);
  send(self, pg::statement(a.next), false);
}

void begin_round(retention_self self) {
  auto& state = self->state;
  ++state.round;
  state.steps = 0;
  state.session = open_session(*state.context);
  ask(self);
}

void database(retention_self self, const database_changed& change) {
  auto& state = self->state;
  state.owner = change.up;
  if (!change.up) {
    ++state.round;
    if (state.session) std::exchange(state.session, nullptr)->close();
  } else if (!state.session) {
    begin_round(self);
  }
}

description describe_retention(const retention_state& s) {
  description d;
  d.state = !s.owner ? "standby" : s.session ? "working" : "idle";
  d.detail = nlohmann::json{{"keep_days", s.context->settings.retention_days},
                            {"rounds", s.rounds_done},
                            {"rounds_failed", s.rounds_failed},
                            {"statements", s.statements},
                            {"last_problem", s.last_problem}}
                 .dump();
  return d;
}

}  // namespace

retention_actor spawn_retention(caf::actor_system& system, engine_context_ptr its_context,
                                gateway_actor its_gateway, row_watcher its_watcher) {
  return system.spawn(
      [](retention_self self, engine_context_ptr context, gateway_actor gateway,
         row_watcher watcher) -> retention_impl::behavior_type {
        self->state.context = std::move(context);
        self->state.watcher = std::move(watcher);
        self->send(gateway, attach_database{});
        return {
            [self](const database_changed& change) { database(self, change); },
            [self](const describe&) { return describe_retention(self->state); },
            [self](const retention_wake& w) {
              if (w.round == self->state.round && self->state.owner) begin_round(self);
            },
            [self](const retention_answer& a) { answered(self, a); },
        };
      },
      std::move(its_context), std::move(its_gateway), std::move(its_watcher));
}

}  // namespace cascade
