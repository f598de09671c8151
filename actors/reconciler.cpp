#include "actors/reconciler.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "actors/own_session.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

constexpr std::chrono::milliseconds retry_after{60'000};
constexpr std::chrono::seconds remembered{24 * 3600};  // the count of a day that is over
constexpr int rest_share = 10;  // a snapshot that is held keeps dead rows from being cleaned

using reconciler_impl = reconciler_actor::extend<caf::reacts_to<reconcile_wake>,  //
                                                 caf::reacts_to<reconcile_answer>>;

struct reconciler_state {
  static inline const char* name = "cascade.reconciler";
  engine_context_ptr context;
  std::shared_ptr<pg::session> session;  // while a round is under way
  bool owner = false;
  std::uint64_t round = 0;  // answers and timers of an earlier one are void
  std::optional<monotonic> due;
  monotonic began;
  nlohmann::json repairs;  // of this round
  std::int64_t tasks = 0, jobs = 0;
  std::uint64_t rounds_done = 0, rounds_failed = 0, steps = 0, repaired = 0;
  std::int64_t last_tasks = 0, last_jobs = 0, last_ms = 0;
  std::string last_problem;

  ~reconciler_state() {
    if (session) session->close();
  }
};
using reconciler_self = reconciler_impl::stateful_pointer<reconciler_state>;

void send(reconciler_self self, std::vector<pg::statement> batch, bool steps, bool commits) {
  auto& state = self->state;
  state.session->submit(std::move(batch),
                        pg::deadline::in(state.context->settings.database_deadline),
                        [to = caf::actor_cast<reconciler_impl>(self), round = state.round, steps,
                         commits](pg::batch_reply reply) {
                          reconcile_answer answer;
                          answer.round = round;
                          answer.ok = reply.has_value();
                          answer.committed = commits;
                          if (!reply)
                            answer.problem = pg::to_string(reply.error());
                          else if (steps)
                            answer.done = reply.value().front().jsonb(0, 0);
                          caf::anon_send(to, std::move(answer));
                        });
}

void step(reconciler_self self) {
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::reconcile_step);
  send(self, std::move(batch), true, false);
}

void arm(reconciler_self self, std::chrono::milliseconds pause) {
  auto& state = self->state;
  state.due = self->clock().now() + pause;
  self->delayed_send(self, pause, reconcile_wake{++state.round});
}

void begin_round(reconciler_self self) {
  auto& state = self->state;
  const auto& settings = state.context->settings;
  ++state.round;
  state.began = self->clock().now();
  state.repairs = nlohmann::json::array();
  state.tasks = state.jobs = 0;
  own_session o{.name = "reconciler"};
  // Retention may be emptying a day.
  o.settings = {{"lock_timeout", "500ms"}};
  state.session = open_own_session(*state.context, std::move(o));
  std::vector<pg::statement> batch;
  batch.emplace_back(std::string("begin isolation level repeatable read"));
  batch.emplace_back(sql::reconcile_lock, pg::params{}, false);
  batch.emplace_back(
      sql::begin_reconciling,
      pg::params{}.int8(settings.reconcile_slice_bytes).int8(std::int64_t{remembered.count()}));
  send(self, std::move(batch), false, false);
}

void put_off(reconciler_self self, const std::string& problem) {
  auto& state = self->state;
  ++state.rounds_failed;
  state.last_problem = problem;
  state.context->log->warn("cascade.reconciler.put_off text=\"{}\"", problem);
  std::exchange(state.session, nullptr)->close();
  arm(self, std::min(retry_after, state.context->settings.reconcile_every));
}

void end_round(reconciler_self self) {
  auto& state = self->state;
  const auto took = std::chrono::ceil<std::chrono::milliseconds>(self->clock().now() - state.began);
  for (const auto& r : state.repairs)
    state.context->log->warn("cascade.counter.repaired kind={} name={} status={} off_by={}",
                             r["kind"].get<std::string>(), r["name"].dump(),
                             r["status"].get<std::string>(), r["off_by"].get<std::int64_t>());
  state.context->log->debug("cascade.reconciler.round tasks={} jobs={} repairs={} ms={}",
                            state.tasks, state.jobs, state.repairs.size(), took.count());
  ++state.rounds_done;
  state.repaired += state.repairs.size();
  state.last_tasks = state.tasks;
  state.last_jobs = state.jobs;
  state.last_ms = took.count();
  state.last_problem.clear();
  std::exchange(state.session, nullptr)->close();
  arm(self, std::max(state.context->settings.reconcile_every - took, rest_share * took));
}

void answered(reconciler_self self, const reconcile_answer& a) {
  auto& state = self->state;
  if (a.round != state.round || !state.session) return;
  if (!a.ok) return put_off(self, a.problem);
  if (a.committed) return end_round(self);
  if (a.done.empty()) return step(self);
  ++state.steps;
  const auto done = nlohmann::json::parse(a.done, nullptr, false);
  if (!done.is_object()) return put_off(self, "an answer that is not valid JSON");
  state.tasks += done["tasks"].get<std::int64_t>();
  state.jobs += done["jobs"].get<std::int64_t>();
  for (const auto& r : done["repairs"]) state.repairs.push_back(r);
  if (!done["over"].get<bool>()) return step(self);
  std::vector<pg::statement> batch;
  batch.emplace_back(std::string("commit"));
  send(self, std::move(batch), false, true);
}

void database(reconciler_self self, const database_changed& change) {
  auto& state = self->state;
  const auto every = state.context->settings.reconcile_every;
  state.owner = change.up;
  if (!change.up) {
    ++state.round;
    if (state.session) std::exchange(state.session, nullptr)->close();
  } else if (!state.session && every.count() > 0) {
    // A connection that is lost again and again puts no round off.
    const auto now = self->clock().now();
    arm(self, state.due ? std::chrono::ceil<std::chrono::milliseconds>(
                              std::max(*state.due - now, monotonic::duration{0}))
                        : every);
  }
}

description describe_reconciler(const reconciler_state& s) {
  description d;
  d.state = s.context->settings.reconcile_every.count() == 0 ? "off"
            : !s.owner                                       ? "standby"
            : s.session                                      ? "working"
                                                             : "idle";
  d.detail = nlohmann::json{{"rounds", s.rounds_done},
                            {"rounds_failed", s.rounds_failed},
                            {"steps", s.steps},
                            {"repairs", s.repaired},
                            {"last_round",
                             {{"tasks", s.last_tasks}, {"jobs", s.last_jobs}, {"ms", s.last_ms}}},
                            {"last_problem", s.last_problem}}
                 .dump();
  return d;
}

}  // namespace

reconciler_actor spawn_reconciler(caf::actor_system& system, engine_context_ptr its_context,
                                  gateway_actor its_gateway) {
  return system.spawn(
      [](reconciler_self self, engine_context_ptr context,
         gateway_actor gateway) -> reconciler_impl::behavior_type {
        self->state.context = std::move(context);
        self->send(gateway, attach_database{});
        return {
            [self](const database_changed& change) { database(self, change); },
            [self](const describe&) { return describe_reconciler(self->state); },
            [self](const reconcile_wake& w) {
              if (w.round == self->state.round && self->state.owner) begin_round(self);
            },
            [self](const reconcile_answer& a) { answered(self, a); },
        };
      },
      std::move(its_context), std::move(its_gateway));
}

}  // namespace cascade
