#include "actors/propagator.hpp"

#include <nlohmann/json.hpp>

#include "actors/console_format.hpp"
#include "actors/propagator_impl.hpp"

namespace cascade {
namespace {

constexpr std::size_t slice_rows = 1'000;
constexpr std::size_t groups_max = 16;
constexpr std::chrono::seconds others_answer_within{60};
constexpr std::chrono::seconds retry_after{1};
constexpr const char* everything = "1:1:";  // a snapshot that sees nothing

void work(propagator_self self);

std::size_t rows_max(const propagator_state& s) {
  return std::min(slice_rows, s.context->settings.batch_rows_max);
}

void arm(propagator_self self) {
  auto& s = self->state;
  monotonic at = s.read_at;
  if (const auto due = s.plan->next()) at = std::min(at, *due);
  if (const auto again = s.writes.next()) at = std::min(at, *again);
  const monotonic now = self->clock().now();
  at = std::max(at, now);
  if (s.wake_at && *s.wake_at <= at) return;
  s.wake_at = at;
  self->delayed_send(self, at - now, propagator_wake{++s.wake});
}

void poll_later(propagator_self self) {
  auto& s = self->state;
  const auto poll = s.context->settings.propagation.poll;
  std::uniform_real_distribution<double> jitter(0.75, 1.25);
  s.read_at = self->clock().now() +
              std::chrono::duration_cast<std::chrono::milliseconds>(poll * jitter(s.random));
}

// From what the table holds.
void start_over(propagator_state& s, monotonic now) {
  const auto counted = s.plan ? s.plan->counted() : priority_plan::counts{};
  s.plan.emplace(s.context->settings.propagation, now);
  s.plan->count_on(counted);
  s.writes = {};
  s.snapshot = everything;
  s.page_of.clear();
  s.page_after = 0;
  s.caught_up = s.busy = false;
  s.dirty = true;
}

// Everything is asked again a little later, on a new connection.
void put_off(propagator_self self, const std::string& problem) {
  auto& s = self->state;
  s.last_problem = problem;
  s.context->log->warn("cascade.propagator.put_off text=\"{}\"", problem);
  if (s.session) std::exchange(s.session, nullptr)->close();
  s.failed = true;
  s.dirty = true;
  s.read_at = self->clock().now() + retry_after;
  work(self);
}

void on_read(propagator_self self, priorities_read& r) {
  auto& s = self->state;
  if (r.round != s.round) return;
  s.busy = false;
  if (!r.ok) return put_off(self, r.problem);
  const monotonic now = self->clock().now();
  for (priority_change& c : r.changes) {
    if (c.now)
      if (const auto coming = s.writes.coming(c.task, c.job)) c.now = coming;
    s.plan->add(c, now);
    s.page_after = c.id;
    s.caught_up = false;
  }
  s.just_read = true;
  s.page_of = std::move(r.snapshot);
  if (r.changes.size() < priority_page_rows) {
    s.snapshot = std::exchange(s.page_of, {});
    s.page_after = 0;
    poll_later(self);
  } else {
    s.dirty = true;
  }
  work(self);
}

void write(propagator_self self, settlement&& what) {
  auto& s = self->state;
  s.busy = true;
  ++s.settlements;
  for (const auto id : s.plan->take_void(rows_max(s))) what.applied_changes.push_back({id, {}});
  what.ticket = ++s.ticket;
  s.written += what.job_priorities.size();
  self->send(s.links.recorder, record{std::move(what)});
}

void on_recorded(propagator_self self, const recorded& r) {
  auto& s = self->state;
  if (r.ticket != s.ticket || !s.up) return;
  s.busy = false;
  // Its changes stay, and are tried again after a reconnect.
  if (!r.rejected.empty()) {
    s.last_problem = r.rejected;
    s.context->log->error("cascade.propagator.refused text=\"{}\"", r.rejected);
  }
  s.written += r.reprioritized;
  s.writes.written(r, self->clock().now());
  work(self);
}

void tell(propagator_self self) {
  auto& s = self->state;
  priority_slice slice = s.plan->take(rows_max(s));
  s.just_read = false;
  if (slice.rows() == 0) return work(self);
  s.busy = true;
  reprioritize r{slice.tasks, slice.jobs};
  self->request(s.links.scheduler, others_answer_within, std::move(r))
      .then(
          [self, round = s.round,
           what = std::make_shared<priority_slice>(std::move(slice))](const reprioritized& done) {
            auto& state = self->state;
            if (round != state.round) return;
            state.busy = false;
            state.raised += done.raised.size();
            for (const task_priority& t : done.raised) state.plan->note(t.task, t.priority);
            state.writes.add(std::move(*what), done.raised);
            work(self);
          },
          [self, round = s.round](const caf::error& e) {
            if (round != self->state.round) return;
            ++self->state.round;
            start_over(self->state, self->clock().now());
            put_off(self, error_text(e));
          });
}

void sync_first(propagator_self self) {
  auto& s = self->state;
  s.busy = true;
  const auto over = [self, round = s.round](bool ok) {
    auto& state = self->state;
    if (round != state.round) return;
    state.busy = false;
    state.caught_up = ok;
    if (!ok) return put_off(self, "the inbox does not answer");
    work(self);
  };
  self->request(s.links.inbox, others_answer_within, sync_inbox{})
      .then([over](const inbox_synced&) { over(true); },
            [over](const caf::error&) { over(false); });
}

void on_listed(propagator_self self, priorities_listed& l) {
  auto& s = self->state;
  if (l.round != s.round) return;
  s.busy = false;
  if (!l.ok) return put_off(self, l.problem);
  const auto asked = s.writes.list();
  const bool all = !asked || l.tasks.size() < asked->rows;
  s.writes.listed(std::move(l.tasks), all);
  work(self);
}

// The next step.
void work(propagator_self self) {
  auto& s = self->state;
  if (!s.up || s.busy) return;
  const monotonic now = self->clock().now();
  s.plan->advance(now);
  if (s.writes.slice_left()) return write(self, s.writes.slice_piece(rows_max(s)));
  if (s.failed && now < s.read_at) return arm(self);
  s.failed = false;
  if (s.dirty && !(s.just_read && s.plan->due()) &&
      s.plan->size() < s.context->settings.propagation.waiting_max) {
    s.dirty = false;
    return read_priorities(self);
  }
  const bool jobs = s.writes.jobs_left(now);
  s.job_turn = jobs && (!s.job_turn || s.writes.job_groups() >= groups_max);
  if (s.plan->due() && !s.job_turn) return s.caught_up ? tell(self) : sync_first(self);
  if (jobs) {
    s.job_turn = true;
    if (const auto what = s.writes.list()) return list_tasks(self, *what);
    return write(self, s.writes.job_piece(rows_max(s)));
  }
  if (s.writes.retries_left(now)) return write(self, s.writes.retry_piece(rows_max(s)));
  if (s.plan->any_void()) return write(self, {});
  arm(self);
}

void database(propagator_self self, const database_changed& change) {
  auto& s = self->state;
  ++s.round;
  ++s.ticket;
  s.up = change.up;
  s.busy = s.failed = false;
  if (s.session) std::exchange(s.session, nullptr)->close();
  if (!change.up) return;
  start_over(s, self->clock().now());
  // What was under way may be sent again: read behind it.
  if (change.resumed) return write(self, {});
  work(self);
}

nlohmann::json numbers(const propagator_state& s) {
  nlohmann::json j{{"written", s.written},
                   {"raised", s.raised},
                   {"reads", s.reads},
                   {"settlements", s.settlements},
                   {"last_problem", s.last_problem}};
  const priority_plan::counts c = s.plan ? s.plan->counted() : priority_plan::counts{};
  j["received"] = c.received;
  j["coalesced"] = c.coalesced;
  j["no_op"] = c.unchanged;
  j["due"] = s.plan ? s.plan->due_size() : 0;
  j["waiting_medium"] = s.plan ? s.plan->waiting(priority_tier::medium) : 0;
  j["waiting_low"] = s.plan ? s.plan->waiting(priority_tier::low) : 0;
  return j;
}

}  // namespace

propagator_actor spawn_propagator(caf::actor_system& system, engine_context_ptr its_context,
                                  propagator_links its_links) {
  return system.spawn(
      [](propagator_self self, engine_context_ptr context,
         propagator_links links) -> propagator_impl::behavior_type {
        auto& s = self->state;
        s.context = std::move(context);
        s.links = std::move(links);
        s.random.seed(static_cast<unsigned>(s.context->settings.seed + 3));
        self->send(s.links.inbox, attach_priorities{});
        self->send(s.links.gateway, attach_database{});
        return {
            [self](const console_query&) { return key_values(numbers(self->state)); },
            [self](const database_changed& change) { database(self, change); },
            [self](const priorities_changed&) {
              self->state.dirty = true;
              work(self);
            },
            [self](const recorded& r) { on_recorded(self, r); },
            [self](const describe&) {
              const auto& state = self->state;
              description d;
              d.state = !state.up ? "standby" : state.busy ? "working" : "idle";
              d.detail = numbers(state).dump();
              return d;
            },
            [self](priorities_read& r) { on_read(self, r); },
            [self](priorities_listed& l) { on_listed(self, l); },
            [self](const propagator_wake& w) {
              auto& state = self->state;
              if (w.wake != state.wake) return;
              state.wake_at.reset();
              if (self->clock().now() >= state.read_at) state.dirty = true;
              work(self);
            },
        };
      },
      std::move(its_context), std::move(its_links));
}

}  // namespace cascade
