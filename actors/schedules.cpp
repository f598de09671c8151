#include "actors/schedules.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/decode.hpp"
#include "actors/own_session.hpp"
#include "actors/schedules_state.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t fires_max = 16;
constexpr std::chrono::seconds retry_after{1};
constexpr std::chrono::seconds wait_max{60};
constexpr std::chrono::milliseconds late_max{1};

using schedules_impl =
    schedules_actor::extend<caf::reacts_to<schedules_loaded>, caf::reacts_to<tick_fired>,
                            caf::reacts_to<schedules_wake>>;
using schedules_self = schedules_impl::stateful_pointer<schedules_state>;

instant now(schedules_self self) { return self->state.clock.now(self->clock().now()); }

// A wake-up that is armed cannot be taken back, and every better reading of the clock moves what it
// is for by a little: only one that is clearly earlier is armed anew, and none is far away.
void arm(schedules_self self, std::chrono::microseconds wait) {
  auto& state = self->state;
  const monotonic now = self->clock().now();
  const monotonic at = now + std::clamp<std::chrono::microseconds>(wait, 0s, wait_max);
  if (state.wake_at && *state.wake_at <= at + late_max) return;
  state.wake_at = at;
  self->delayed_send(self, at - now, schedules_wake{++state.wake});
}

template <class Answer, class Fill>
void send(schedules_self self, std::vector<pg::statement> batch, Answer answer, Fill fill) {
  auto& state = self->state;
  if (!state.session) state.session = open_own_session(*state.context, {.name = "schedules"});
  answer.round = state.round;
  state.session->submit(std::move(batch),
                        pg::deadline::in(state.context->settings.database_deadline),
                        [to = caf::actor_cast<schedules_impl>(self), answer = std::move(answer),
                         fill](pg::batch_reply reply) mutable {
                          answer.ok = reply.has_value();
                          if (reply)
                            fill(answer, reply.value());
                          else
                            answer.problem = pg::to_string(reply.error());
                          caf::anon_send(to, std::move(answer));
                        });
}

catch_up policy_of(std::string_view text) {
  return text == "skip" ? catch_up::skip : text == "all" ? catch_up::all : catch_up::last;
}

void read_rows(schedules_loaded& answer, const std::vector<pg::rows>& reply) {
  answer.busy = reply[0].int32(0, 0) > 0;
  const pg::rows& r = reply[1];
  for (int i = 0; i < r.size(); ++i) {
    schedule_row row;
    row.name = r.text(i, 0);
    if (!r.is_null(i, 1)) row.when.cron = r.text(i, 1);
    if (!r.is_null(i, 2)) row.when.every = std::chrono::microseconds(r.int64(i, 2));
    row.when.time_zone = r.text(i, 3);
    row.when.starts_at = instant_or_none(r, i, 4);
    row.when.ends_at = instant_or_none(r, i, 5);
    row.handled_to = instant_of(r.int64(i, 6));
    row.jitter = std::chrono::microseconds(r.int64(i, 7));
    row.policy = policy_of(r.text(i, 8));
    row.most = static_cast<std::size_t>(r.int32(i, 9));
    answer.now = instant_of(r.int64(i, 10));
    answer.rows.push_back(std::move(row));
  }
}

void load(schedules_self self) {
  ++self->state.round;
  self->state.loading = true;
  self->state.again = self->state.reload = false;
  self->state.forget();
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::start_queued_ticks);
  batch.emplace_back(sql::load_schedules);
  send(self, std::move(batch), schedules_loaded{}, read_rows);
}

// Everything is loaded again: whatever was under way may have happened or not, the rows know.
void start_over(schedules_self self, const std::string& problem) {
  auto& state = self->state;
  ++state.failures;
  state.last_problem = problem;
  state.context->log->warn("cascade.schedules.put_off text=\"{}\"", problem);
  ++state.round;
  state.forget();
  if (state.session) std::exchange(state.session, nullptr)->close();
  state.reload = true;
  arm(self, retry_after);
}

void mark(schedules_self self) {
  auto& state = self->state;
  const auto rows = state.take_marks();
  if (rows.empty()) return;
  std::vector<pg::statement> batch;
  batch.emplace_back(
      sql::mark_schedules,
      pg::params{}
          .texts(rows, [](const auto& r) { return std::string_view(r.name); })
          .int8s(
              rows,
              [](const auto& r) { return r.next ? std::optional(us_of(*r.next)) : std::nullopt; })
          .int8s(rows, [](const auto& r) { return us_of(r.handled_to); })
          .texts(rows, [](const auto& r) {
            return r.problem.empty() ? std::nullopt : std::optional<std::string_view>(r.problem);
          }));
  send(self, std::move(batch), tick_fired{}, [](tick_fired&, const std::vector<pg::rows>&) {});
}

// Fires what is due, as far as may be under way, and arms the timer for what comes next.
void work(schedules_self self) {
  auto& state = self->state;
  if (!state.owner || state.reload) return;
  if (!state.take_due(now(self))) return load(self);
  while (state.in_flight < fires_max) {
    auto due = state.next_to_fire();
    if (!due) break;
    ++state.in_flight;
    tick_fired answer;
    answer.schedule = due->first;
    answer.tick = due->second;
    std::vector<pg::statement> batch;
    batch.emplace_back(sql::fire_tick, pg::params{}.text(due->first).int8(us_of(due->second)));
    send(self, std::move(batch), std::move(answer),
         [](tick_fired& a, const std::vector<pg::rows>& reply) {
           a.outcome = reply.front().text(0, 0);
         });
  }
  mark(self);
  if (const auto next = state.next_due())
    arm(self, std::chrono::duration_cast<std::chrono::microseconds>(state.clock.when(*next) -
                                                                    self->clock().now()));
}

void loaded(schedules_self self, schedules_loaded& l) {
  auto& state = self->state;
  if (l.round != state.round) return;
  state.loading = false;
  if (!l.ok) return start_over(self, l.problem);
  if (state.again) return load(self);
  // The time in the answer may be better than the one the inbox has told, and at first it is all.
  if (l.now > now(self)) state.clock = {self->clock().now(), l.now};
  for (schedule_row& row : l.rows) state.add(std::move(row), now(self));
  state.all_added();
  state.last_problem.clear();
  if (l.rows.empty() && !l.busy) std::exchange(state.session, nullptr)->close();
  if (l.busy) {
    state.reload = true;
    return arm(self, retry_after);
  }
  work(self);
}

void fired(schedules_self self, const tick_fired& f) {
  auto& state = self->state;
  if (f.round != state.round) return;
  if (!f.ok) return start_over(self, f.problem);
  if (f.schedule.empty()) return;  // marks were written
  --state.in_flight;
  ++state.outcomes[f.outcome];
  if (f.outcome == "busy")
    return start_over(self, "schedule " + f.schedule + " is being changed by a transaction");
  if (f.outcome != "already")
    state.context->log->info("cascade.schedule.fired name=\"{}\" tick={} outcome={}", f.schedule,
                             us_of(f.tick), f.outcome);
  state.handled(f.schedule, f.tick, f.outcome == "gone", now(self));
  work(self);
}

void database(schedules_self self, const database_changed& change) {
  auto& state = self->state;
  state.owner = change.up;
  if (change.up) return load(self);
  ++state.round;
  state.loading = false;
  state.forget();
  if (state.session) std::exchange(state.session, nullptr)->close();
}

}  // namespace

schedules_actor spawn_schedules(caf::actor_system& system, engine_context_ptr its_context,
                                gateway_actor its_gateway, scheduler_actor its_scheduler) {
  return system.spawn(
      [](schedules_self self, engine_context_ptr context, gateway_actor gateway,
         scheduler_actor scheduler) -> schedules_impl::behavior_type {
        self->state.context = std::move(context);
        self->send(scheduler, attach_schedules{});
        self->send(gateway, attach_database{});
        return {
            [self](const database_changed& change) { database(self, change); },
            [self](const schedules_changed&) {
              auto& state = self->state;
              if (state.loading)
                state.again = true;
              else if (state.owner)
                load(self);
            },
            [self](const clock_read& c) {
              self->state.clock = c.clock;
              work(self);
            },
            [self](const describe&) { return self->state.describe(); },
            [self](schedules_loaded& l) { loaded(self, l); },
            [self](const tick_fired& f) { fired(self, f); },
            [self](const schedules_wake& w) {
              auto& state = self->state;
              if (w.generation != state.wake) return;
              state.wake_at.reset();
              if (!state.owner) return;
              if (std::exchange(state.reload, false)) return load(self);
              work(self);
            },
        };
      },
      std::move(its_context), std::move(its_gateway), std::move(its_scheduler));
}

}  // namespace cascade
