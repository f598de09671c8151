#include "actors/inbox.hpp"

#include <nlohmann/json.hpp>

#include "actors/decode.hpp"
#include "pg/listener.hpp"
#include "sql/queries.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

using inbox_impl = inbox_actor::extend<caf::reacts_to<inbox_read>, caf::reacts_to<doorbell_step>,
                                       caf::reacts_to<inbox_wake>>;

struct inbox_state {
  static inline const char* name = "cascade.inbox";
  engine_context_ptr context;
  scheduler_actor scheduler;
  std::shared_ptr<pg::listener> listener;
  doorbell door;
  bool up = false;
  std::uint64_t generation = 0;
  std::uint64_t reading = 0;  // number of the read under way
  std::string snapshot;       // where the next read goes on; empty: not loaded
  std::string next_snapshot;  // of a paged read, valid once its last page is in
  std::vector<std::int64_t> adopted;
  bool load_wanted = false;
  bool loading = false;
  bool paging = false;    // a cursor is open
  bool page_out = false;  // the scheduler has a page
  bool room = true;
  std::uint64_t wake = 0;  // generation of the armed timer
  std::optional<std::chrono::microseconds> wake_at;
  std::uint64_t reads = 0, empty_reads = 0, pages = 0, bells = 0, tasks = 0;

  explicit inbox_state(doorbell_settings s = {}) : door(s) {}
};
using inbox_self = inbox_impl::stateful_pointer<inbox_state>;

std::chrono::microseconds now(inbox_self self) {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      self->clock().now().time_since_epoch());
}

// What to do with the answer to a read: it is decoded on the Asio thread. Statements whose rows are
// no inbox rows are skipped by `first`.
pg::batch_callback answer_to_read(inbox_self self, std::size_t first, bool paged) {
  auto& state = self->state;
  const std::size_t limit = state.context->settings.inbox_page_rows;
  return [to = caf::actor_cast<inbox_impl>(self), generation = state.generation,
          reading = ++state.reading, first, limit, paged](pg::batch_reply reply) {
    inbox_read answer;
    answer.generation = generation;
    answer.reading = reading;
    answer.paged = paged;
    answer.ok = reply.has_value();
    if (reply) {
      for (std::size_t i = first; i < reply.value().size(); ++i)
        if (reply.value()[i].columns() == 18)
          decode_inbox(reply.value()[i], answer.page);
        else if (reply.value()[i].columns() == 1 && reply.value()[i].size() == 1)
          answer.page.snapshot = reply.value()[i].text(0, 0);
      answer.full = answer.page.tasks.size() >= limit;
      answer.last = !answer.full;
    } else {
      answer.code = reply.error().code;
      answer.problem = pg::to_string(reply.error());
    }
    caf::anon_send(to, std::move(answer));
  };
}

void read(inbox_self self, std::vector<pg::statement> batch, std::size_t first, bool paged) {
  self->state.context->database->read(std::move(batch), answer_to_read(self, first, paged));
}

pg::params tags(const engine_settings& s) { return pg::params{}.texts(s.tags); }

void read_new(inbox_self self) {
  const engine_settings& s = self->state.context->settings;
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::read_inbox, pg::params{}
                                          .text(self->state.snapshot)
                                          .int4(static_cast<std::int32_t>(s.inbox_page_rows))
                                          .texts(s.tags)
                                          .int4(64 << 10));
  ++self->state.reads;
  read(self, std::move(batch), 0, false);
}

std::string fetch_text(const engine_settings& s) {
  return "fetch " + std::to_string(s.inbox_page_rows) + " from load_tasks";
}

// The same as read_new, but bounded: a cursor in a transaction of its own.
void read_new_paged(inbox_self self) {
  auto& state = self->state;
  const engine_settings& s = state.context->settings;
  state.paging = true;
  std::vector<pg::statement> batch;
  batch.emplace_back(std::string("begin isolation level repeatable read read only"));
  batch.emplace_back(sql::load_snapshot);
  batch.emplace_back(sql::load_new_jobs, pg::params{}.text(state.snapshot));
  batch.emplace_back(sql::load_new_tasks, pg::params{}.text(state.snapshot).texts(s.tags), false);
  batch.emplace_back(fetch_text(s));
  read(self, std::move(batch), 1, true);
}

void load(inbox_self self) {
  auto& state = self->state;
  const engine_settings& s = state.context->settings;
  state.load_wanted = false;
  state.loading = true;
  state.paging = true;
  std::vector<pg::statement> batch;
  batch.emplace_back(std::string("begin isolation level repeatable read read only"));
  batch.emplace_back(sql::load_snapshot);
  batch.emplace_back(sql::load_jobs);
  batch.emplace_back(sql::load_commands);
  batch.emplace_back(sql::load_tasks, tags(s), false);
  batch.emplace_back(fetch_text(s));
  // The snapshot comes after the commit of the charges, or tasks that have just ended with them
  // would be loaded as running.
  state.context->database->write(
      {pg::statement(sql::recover_running,
                     pg::params{}.int8s(state.adopted).int4(limits::owner_losses_max))},
      [database = state.context->database, batch = std::move(batch),
       answer = answer_to_read(self, 1, true)](pg::batch_reply reply) {
        if (reply)
          database->read(batch, answer);
        else
          answer(std::move(reply));
      });
}

void next_page(inbox_self self) {
  std::vector<pg::statement> batch;
  batch.emplace_back(fetch_text(self->state.context->settings));
  read(self, std::move(batch), 0, true);
}

void close_pages(inbox_self self) {
  self->state.paging = false;
  std::vector<pg::statement> batch;
  batch.emplace_back(std::string("commit"));
  self->state.context->database->read(std::move(batch), [](const pg::batch_reply&) {});
}

void arm(inbox_self self) {
  auto& state = self->state;
  const auto wait = state.door.wait();
  const auto at = now(self) + wait;
  if (state.wake_at && *state.wake_at <= at) return;
  state.wake_at = at;
  self->delayed_send(self, wait, inbox_wake{++state.wake});
}

// `silent`: gives back what an unsuccessful try got; nobody waits for the answer.
void move_locks(inbox_self self, bool lock, std::vector<std::int32_t> groups, bool silent = false) {
  auto& state = self->state;
  std::vector<pg::statement> batch;
  if (lock)
    batch.emplace_back(sql::lock_doorbells);
  else
    batch.emplace_back(sql::unlock_doorbells, pg::params{}.int4s(groups));
  if (silent) return state.context->database->read(std::move(batch), [](const pg::batch_reply&) {});
  state.context->database->read(
      std::move(batch), [to = caf::actor_cast<inbox_impl>(self), generation = state.generation,
                         lock](pg::batch_reply reply) {
        doorbell_step step;
        step.generation = generation;
        step.locked = lock;
        if (reply && lock) {
          const pg::rows& r = reply.value().front();
          for (int i = 0; i < r.size(); ++i)
            if (r.boolean(i, 1)) step.groups.push_back(r.int32(i, 0));
          step.got = static_cast<int>(step.groups.size()) == r.size();
        }
        caf::anon_send(to, std::move(step));
      });
}

void pump(inbox_self self) {
  auto& state = self->state;
  if (!state.up || state.loading || state.paging || state.snapshot.empty()) return;
  state.door.set_blocked(state.page_out || !state.room);
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
      return arm(self);
  }
}

void hand_over(inbox_self self, inbox_page&& page, bool loaded) {
  auto& state = self->state;
  state.tasks += page.tasks.size();
  work_arrived work;
  work.page = std::move(page);
  work.loading = state.loading;
  work.loaded = loaded;
  state.page_out = true;
  self->send(state.scheduler, std::move(work));
}

void on_read(inbox_self self, inbox_read& r) {
  auto& state = self->state;
  if (r.generation != state.generation || !state.up) return;
  if (!r.ok) {
    // A lost connection is the gateway's business: it says how it goes on.
    if (r.code == errc::database_unavailable || r.code == errc::deadline_exceeded ||
        r.code == errc::shutting_down)
      return;
    state.context->log->error("cascade.inbox.read_failed text=\"{}\"", r.problem);
    return self->quit(caf::make_error(r.code));
  }
  if (r.reading != state.reading) return;
  if (!r.paged) {
    if (r.full) return read_new_paged(self);
    if (r.page.rows() == 0) ++state.empty_reads;
    state.snapshot = std::move(r.page.snapshot);
    state.door.on_read(r.page.rows(), false);
    if (r.page.rows() != 0) hand_over(self, std::move(r.page), false);
    return pump(self);
  }
  ++state.pages;
  if (!r.page.snapshot.empty()) state.next_snapshot = std::move(r.page.snapshot);
  const bool last = r.last;
  const std::size_t rows = r.page.rows();
  hand_over(self, std::move(r.page), last);
  if (!last) return;  // the next page follows page_taken
  close_pages(self);
  state.snapshot = std::move(state.next_snapshot);
  if (std::exchange(state.loading, false)) {
    state.door.on_reconnected();
  } else {
    state.door.on_read(rows, true);
  }
  pump(self);
}

void database(inbox_self self, const database_changed& change) {
  auto& state = self->state;
  const bool was_paging =
      state.paging;  // some pages are with the scheduler already, some never came
  state.up = change.up;
  state.generation = change.generation;
  if (!change.up) return;
  state.paging = false;
  state.loading = false;
  state.door.on_reconnected();
  if (change.resumed && was_paging) return self->quit(caf::make_error(errc::database_unavailable));
  if (state.load_wanted) return load(self);
  pump(self);
}

void listen(inbox_self self) {
  auto& state = self->state;
  const auto me = caf::actor_cast<inbox_actor>(self);
  pg::listener_options options;
  options.conninfo = state.context->settings.conninfo;
  options.name = "cascade listener";
  options.channels = {"cascade.doorbell"};
  options.seed = state.context->settings.seed;
  pg::listener_callbacks callbacks;
  callbacks.on_notify = [me](std::string_view, std::string_view) { caf::anon_send(me, bell{}); };
  callbacks.on_up = [me] { caf::anon_send(me, bell{}); };
  callbacks.on_down = [log = state.context->log](const pg::failure& f) {
    log->warn("cascade.listener.down text=\"{}\"", pg::to_string(f));
  };
  state.listener = pg::listener::make(*state.context->io, std::move(options), std::move(callbacks));
  state.listener->start();
  self->attach_functor([listener = state.listener] { listener->stop(); });
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
          {"held_back", !s.room}};
}

}  // namespace

inbox_actor spawn_inbox(caf::actor_system& system, engine_context_ptr its_context,
                        gateway_actor its_gateway, scheduler_actor its_scheduler) {
  return system.spawn(
      [](inbox_self self, engine_context_ptr context, gateway_actor gateway,
         scheduler_actor scheduler) -> inbox_impl::behavior_type {
        self->state.context = context;
        self->state.scheduler = scheduler;
        self->state.door = doorbell(context->settings.doorbell);
        listen(self);
        self->send(scheduler, attach_inbox{});
        self->send(gateway, attach_database{});
        return {
            [self](const console_query&) {
              const nlohmann::json j = numbers(self->state);
              console_answer a;
              for (const auto& [key, value] : j.items())
                a.text += key + ": " +
                          (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
              a.json = j.dump();
              return a;
            },
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
              state.page_out = false;
              state.room = t.room;
              if (state.paging && state.up && t.room) return next_page(self);
              pump(self);
            },
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
        };
      },
      std::move(its_context), std::move(its_gateway), std::move(its_scheduler));
}

}  // namespace cascade
