#include <nlohmann/json.hpp>

#include "actors/console_format.hpp"
#include "actors/inbox_impl.hpp"

namespace cascade {
namespace {

void arm(inbox_self self) {
  auto& state = self->state;
  const auto wait = state.door.wait();
  const auto at = now(self) + wait;
  if (state.wake_at && *state.wake_at <= at) return;
  state.wake_at = at;
  self->delayed_send(self, wait, inbox_wake{++state.wake});
}

void pump(inbox_self self) {
  auto& state = self->state;
  disarm_read(self);
  if (!state.up || state.snapshot.empty()) return;
  state.door.set_blocked(state.page_out);
  switch (state.door.next()) {
    case doorbell::action::read:
      return read_new(self);
    case doorbell::action::lock:
      return move_locks(self, true, {});
    case doorbell::action::unlock: {
      std::vector<std::int32_t> all(16);
      for (int i = 0; i < 16; ++i) all[static_cast<std::size_t>(i)] = i;
      return move_locks(self, false, std::move(all));
    }
    case doorbell::action::none:
      arm_read(self);
      return arm(self);
  }
}

// The edge moves half a horizon at a time. What the last read did not bring in for being too far
// away, and the new edge does, follows as a backlog.
bool look_ahead(inbox_state& state, std::int64_t now_us) {
  const std::int64_t horizon = horizon_us(state.context->settings);
  if (now_us + horizon / 2 <= state.edge) return false;
  const std::int64_t edge = now_us + horizon;
  state.backlogs.push_back({{}, state.snapshot, std::exchange(state.edge, edge), edge});
  return true;
}

// Before the work that the same answer brings: its due times are told by this clock.
void read_clock(inbox_self self, instant there, monotonic here) {
  constexpr std::chrono::microseconds worth_telling{20};
  auto& state = self->state;
  state.clock.read(there, here);
  const database_clock& clock = state.clock.clock();
  if (state.clock_told && abs(clock.now(here) - state.clock_told->now(here)) < worth_telling)
    return;
  state.clock_told = clock;
  self->send(state.scheduler, clock_read{clock});
}

void next_backlog(inbox_self self) {
  auto& state = self->state;
  if (!state.paging && !state.backlog_out && !state.backlogs.empty()) read_backlog(self);
}

void on_new(inbox_self self, inbox_read& r) {
  auto& state = self->state;
  if (r.reading != state.reading) return;
  disarm_read(self);  // this may be the one that was armed
  ++state.reads;
  read_clock(self, r.page.now, r.answered);
  // The scheduler knows a job before its tasks: it has limits, or is paused. Read again, all of it.
  if (r.tasks_only && std::ranges::any_of(r.page.tasks, [](const arrival& a) {
        return static_cast<bool>(a.job);
      })) {
    state.door.on_read(0, false);
    state.door.on_timer();
    return pump(self);
  }
  const std::size_t rows = r.page.rows();
  if (rows == 0) ++state.empty_reads;
  std::string from = std::exchange(state.snapshot, std::move(r.page.snapshot));
  if (!r.tasks_only) state.snapshot_others = state.snapshot;
  state.door.on_read(rows, r.full);
  const bool any_task = r.page.any_task;
  work_arrived work;
  if (r.full) {
    state.backlogs.push_back({std::move(from), state.snapshot, 0, state.edge});
    r.page.tasks.clear();
    ++work.announced;
  }
  if (look_ahead(state, us_of(r.page.now))) ++work.announced;
  if (rows != 0 || work.announced != 0) {
    state.tasks += r.page.tasks.size();
    state.page_out = true;
    work.page = std::move(r.page);
    self->send(state.scheduler, std::move(work));
  }
  if (any_task) self->send(state.counters, uncounted_tasks{});
  std::erase_if(state.syncing, [&r](auto& waiting) {
    if (waiting.first > r.reading) return false;
    waiting.second.deliver(inbox_synced{});
    return true;
  });
  next_backlog(self);
  pump(self);
}

// A read under way, or one that was armed and is fired already, may have begun too early.
caf::result<inbox_synced> sync(inbox_self self) {
  auto& state = self->state;
  auto promise = self->make_response_promise<inbox_synced>();
  disarm_read(self);
  state.syncing.emplace_back(state.reading + 1, promise);
  state.door.on_timer();
  pump(self);
  return promise;
}

void on_page(inbox_self self, inbox_read& r) {
  auto& state = self->state;
  ++state.pages;
  if (!r.page.snapshot.empty()) {  // the first page of the load
    state.snapshot = std::move(r.page.snapshot);
    state.snapshot_others = state.snapshot;
    read_clock(self, r.page.now, r.answered);
    state.edge = us_of(r.page.now) + horizon_us(state.context->settings);
    state.door.on_reconnected();
    self->send(state.counters, uncounted_tasks{});  // maybe: nobody was there
    if (state.watcher) self->send(state.watcher, rows_changed{true});
  }
  state.tasks += r.page.tasks.size();
  state.backlog_out = true;
  self->send(state.scheduler, work_arrived{std::move(r.page), work_arrived::kind::backlog, 0,
                                           r.last, state.loading});
  if (r.last) {
    close_pages(self);
    state.loading = false;
  }
  pump(self);
}

void on_read(inbox_self self, inbox_read& r) {
  auto& state = self->state;
  if (r.generation != state.generation || !state.up) return;
  if (r.ok) return r.paged ? on_page(self, r) : on_new(self, r);
  const bool lost = r.code == errc::database_unavailable || r.code == errc::deadline_exceeded ||
                    r.code == errc::shutting_down;
  // A lost connection is the gateway's business: it says how it goes on. But some pages of a backlog
  // are with the scheduler already, and the others never come.
  if (lost && !r.paged) return;
  state.context->log->error("cascade.inbox.read_failed text=\"{}\"", r.problem);
  self->quit(caf::make_error(lost ? errc::database_unavailable : r.code));
}

void database(inbox_self self, const database_changed& change) {
  auto& state = self->state;
  const bool was_paging =
      state.paging;  // some pages are with the scheduler already, some never came
  disarm_read(self);
  state.up = change.up;
  state.generation = change.generation;
  if (state.pager) std::exchange(state.pager, nullptr)->close();
  if (!change.up) {
    for (auto& [reading, promise] : std::exchange(state.syncing, {}))
      promise.deliver(caf::make_error(errc::database_unavailable));
    return;
  }
  state.paging = false;
  state.loading = false;
  state.door.on_reconnected();
  if (change.resumed && was_paging) return self->quit(caf::make_error(errc::database_unavailable));
  if (state.load_wanted) return load(self);
  next_backlog(self);
  pump(self);
}

void listen(inbox_self self) {
  auto& state = self->state;
  const auto me = caf::actor_cast<inbox_actor>(self);
  pg::listener_options options;
  options.conninfo = state.context->settings.conninfo;
  options.name = "cascade listener";
  options.channels = {"cascade.doorbell", "cascade.priority"};
  options.seed = state.context->settings.seed;
  pg::listener_callbacks callbacks;
  const auto tell_priorities = [to = caf::actor_cast<inbox_impl>(self)] {
    caf::anon_send(to, priorities_changed{});
  };
  callbacks.on_notify = [me, tell_priorities, read = state.ready_read](std::string_view channel,
                                                                       std::string_view payload) {
    if (channel == "cascade.priority") return tell_priorities();
    // With the read sent, the inbox need not be woken before its answer is there.
    if (!read->fire(!payload.empty())) caf::anon_send(me, bell{});
  };
  callbacks.on_up = [me, tell_priorities] {
    caf::anon_send(me, bell{});
    tell_priorities();
  };
  callbacks.on_down = [log = state.context->log](const pg::failure& f) {
    log->warn("cascade.listener.down text=\"{}\"", pg::to_string(f));
  };
  state.listener = pg::listener::make(*state.context->io, std::move(options), std::move(callbacks));
  state.listener->start();
  self->attach_functor([listener = state.listener, read = state.ready_read] {
    listener->stop();
    read->disarm();  // it holds the inbox alive
  });
}

nlohmann::json numbers(const inbox_state& s) {
  static constexpr const char* modes[] = {"awake", "drowsy", "last_read", "asleep"};
  return {{"mode", modes[static_cast<int>(s.door.state())]},
          {"reads", s.reads},
          {"empty_reads", s.empty_reads},
          {"pages", s.pages},
          {"bells", s.bells},
          {"tasks", s.tasks},
          {"snapshot", s.snapshot},
          {"clock_drift_ppm", s.clock.drift_ppm()},
          {"clock_steps", s.clock.steps()},
          {"clock_spread_us", s.clock.spread().count()},
          {"backlogs", s.backlogs.size() + (s.paging ? 1 : 0)}};
}

}  // namespace

inbox_actor spawn_inbox(caf::actor_system& system, engine_context_ptr its_context,
                        gateway_actor its_gateway, scheduler_actor its_scheduler,
                        arrival_sink its_counters, row_watcher its_watcher) {
  return system.spawn(
      [](inbox_self self, engine_context_ptr context, gateway_actor gateway,
         scheduler_actor scheduler, arrival_sink counters,
         row_watcher watcher) -> inbox_impl::behavior_type {
        self->state.context = context;
        self->state.scheduler = scheduler;
        self->state.counters = counters;
        self->state.watcher = watcher;
        self->state.door = doorbell(context->settings.doorbell);
        listen(self);
        self->send(scheduler, attach_inbox{});
        self->send(gateway, attach_database{});
        return {
            [self](const console_query&) { return key_values(numbers(self->state)); },
            [self](const database_changed& c) { database(self, c); },
            [self](const bell&) {
              ++self->state.bells;
              self->state.door.on_bell(now(self));
              pump(self);
            },
            [self](const begin_load& b) {
              self->state.adopted = b.running;
              self->state.snapshot.clear();
              self->state.load_wanted = true;
              if (self->state.up) load(self);
            },
            [self](const page_taken& t) {
              auto& state = self->state;
              (t.backlog ? state.backlog_out : state.page_out) = false;
              if (!t.backlog) return pump(self);
              if (!state.up) return;
              if (state.paging) return next_page(self);
              next_backlog(self);
            },
            [self](const attach_priorities&) { self->state.priorities = self->current_sender(); },
            [self](const sync_inbox&) { return sync(self); },
            [self](const describe&) {
              description d;
              const nlohmann::json j = numbers(self->state);
              d.state = j["mode"];
              d.detail = j.dump();
              return d;
            },
            [self](inbox_read& r) { on_read(self, r); },
            [self](const doorbell_step& s) {
              auto& state = self->state;
              if (s.generation != state.generation || !state.up) return;
              if (s.locked) {
                if (!s.got && !s.groups.empty()) move_locks(self, false, s.groups, true);
                state.door.on_locked(s.got);
              } else {
                state.door.on_unlocked();
              }
              pump(self);
            },
            [self](const inbox_wake& w) {
              auto& state = self->state;
              if (w.generation != state.wake) return;
              state.wake_at.reset();
              state.door.on_timer();
              pump(self);
            },
            [self](const priorities_changed& p) {
              if (auto to = caf::actor_cast<propagator_actor>(self->state.priorities))
                self->send(to, p);
            },
        };
      },
      std::move(its_context), std::move(its_gateway), std::move(its_scheduler),
      std::move(its_counters), std::move(its_watcher));
}

}  // namespace cascade
