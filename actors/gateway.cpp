#include "actors/gateway.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <random>

#include "sql/queries.hpp"

namespace cascade {
namespace {

using gateway_impl =
    gateway_actor::extend<caf::reacts_to<connection_step>, caf::reacts_to<reconnect>>;

enum class phase { connecting, standby, owning, stopping };

struct gateway_state {
  static inline const char* name = "cascade.gateway";
  engine_context_ptr context;
  std::vector<database_user> users;
  phase now = phase::connecting;
  std::uint64_t generation = 0;
  std::size_t sessions_ready = 0;
  // The last one at the port; shared with what closes it, when this state is gone already.
  std::shared_ptr<std::uint64_t> opening = std::make_shared<std::uint64_t>(0);
  int standby_tries = 0;
  epoch_id epoch;
  database_changed last;
  std::chrono::milliseconds backoff{100};
  std::minstd_rand random;
};
using gateway_self = gateway_impl::stateful_pointer<gateway_state>;

void tell(gateway_self self, database_changed change) {
  change.generation = self->state.generation;
  self->state.last = change;
  for (const auto& user : self->state.users) self->send(user, change);
}

// Answers of the Asio side come back as messages; the strong reference keeps the mailbox, not the
// actor's life.
auto answer_to(gateway_self self, connection_step step) {
  step.generation = self->state.generation;
  return [to = caf::actor_cast<gateway_impl>(self), step](auto&& fill) mutable {
    fill(step);
    caf::anon_send(to, std::move(step));
  };
}

std::shared_ptr<pg::session> open_session(
    gateway_self self, const char* role_in_name,
    std::vector<std::pair<std::string, std::string>> settings) {
  const engine_settings& s = self->state.context->settings;
  pg::session_options options;
  options.conninfo = s.conninfo;
  options.name = std::string("cascade ") + role_in_name;
  options.role = "cascade_engine";
  options.settings = std::move(settings);
  options.settings.emplace_back("search_path", "pg_catalog");
  options.settings.emplace_back("jit", "off");
  // Every statement looks rows up by key (id = any) or reads the tail of an index. The statistics of
  // a table that fills and empties all the time must never talk the planner out of that, nor may an
  // unlucky sixth execution: with "this table is empty", a nested loop over all of it is cheap.
  options.settings.emplace_back("plan_cache_mode", "force_generic_plan");
  for (const char* way : {"enable_seqscan", "enable_nestloop", "enable_mergejoin"})
    options.settings.emplace_back(way, "off");
  options.settings.emplace_back("idle_in_transaction_session_timeout", "0");
  options.on_notice = [log = self->state.context->log](const pg::failure& f) {
    log->debug("cascade.database.notice text=\"{}\"", f.message);
  };
  auto session = pg::session::make(*self->state.context->io, std::move(options));
  auto ready = answer_to(self, {connection_step::kind::ready, 0, true, false, 0, {}, {}});
  auto lost = answer_to(self, {connection_step::kind::lost, 0, false, false, 0, {}, {}});
  session->start([ready]() mutable { ready([](connection_step&) {}); },
                 [lost](pg::failure f) mutable {
                   lost([&](connection_step& step) { step.text = pg::to_string(f); });
                 });
  return session;
}

void connect(gateway_self self) {
  auto& state = self->state;
  ++state.generation;
  state.sessions_ready = 0;
  state.now = phase::connecting;
  auto reader = open_session(self, "reader", {});
  std::vector<std::shared_ptr<pg::session>> writers;
  for (std::size_t i = 0; i < state.context->settings.writers; ++i)
    writers.push_back(open_session(self, "writer", {{"synchronous_commit", "on"}}));
  *state.opening = state.context->database->open(std::move(reader), std::move(writers));
}

void submit(gateway_self self, connection_step::kind what, pg::statement statement,
            std::function<void(connection_step&, const pg::rows&)> read) {
  auto answer = answer_to(self, {what, 0, false, false, 0, {}, {}});
  std::vector<pg::statement> batch;
  batch.push_back(std::move(statement));
  self->state.context->database->write(std::move(batch),
                                       [answer, read](pg::batch_reply reply) mutable {
                                         answer([&](connection_step& s) {
                                           s.ok = reply.has_value();
                                           if (reply)
                                             read(s, reply.value().front());
                                           else
                                             s.text = pg::to_string(reply.error());
                                         });
                                       });
}

void try_lanes(gateway_self self) {
  submit(self, connection_step::kind::lanes, pg::statement(sql::acquire_lanes),
         [](connection_step& s, const pg::rows& r) {
           for (int i = 0; i < r.size(); ++i) s.number += r.boolean(i, 1) ? 1 : 0;
         });
}

void ask_for_epoch(gateway_self self, const sql::query& how) {
  submit(self, connection_step::kind::resumed,
         pg::statement(how, pg::params{}.int8(self->state.epoch.value)),
         [](connection_step& a, const pg::rows& r) {
           for (int i = 0; i < r.size(); ++i) a.batches.push_back(r.int64(i, 0));
         });
}

void lanes_tried(gateway_self self, const connection_step& step) {
  auto& state = self->state;
  const engine_settings& s = state.context->settings;
  if (step.number < lane_count) {
    if (state.standby_tries == 20 && state.context->on_standby) state.context->on_standby();
    if (state.standby_tries == 20)
      state.context->log->info(
          "cascade.gateway.standby lanes={} text=\"another node owns the lanes\"", step.number);
    state.now = phase::standby;
    state.context->database->write({pg::statement(sql::unlock_all)}, [](const pg::batch_reply&) {});
    // When the owner is another node, not a remnant of our own connection, what this engine still
    // wants to write is void: it must forget now, or a stop would wait for it.
    if (state.epoch) ask_for_epoch(self, sql::find_epoch);
    // After a restart of the engine the locks of its last connection are free within milliseconds.
    const auto wait = std::chrono::milliseconds(++state.standby_tries < 20 ? 50 : 1'000);
    self->delayed_send(self, wait, reconnect{state.generation});
    return;
  }
  state.now = phase::connecting;
  if (state.epoch) return ask_for_epoch(self, sql::resume_epoch);
  submit(self, connection_step::kind::taken_over,
         pg::statement(sql::take_over, pg::params{}
                                           .text(s.node_name)
                                           .int4(::getpid())
                                           .text(CASCADE_VERSION)
                                           .texts(s.tags)
                                           .texts(s.handlers)
                                           .int4(static_cast<std::int32_t>(s.writers))),
         [](connection_step& a, const pg::rows& r) {
           a.number = r.int64(0, 0);
           a.unclean = r.boolean(0, 1);
         });
}

void own(gateway_self self, database_changed change) {
  auto& state = self->state;
  state.now = phase::owning;
  state.backoff = std::chrono::milliseconds(100);
  state.standby_tries = 0;
  state.context->log->info("cascade.gateway.owning epoch={} resumed={} unclean={}",
                           change.epoch.value, change.resumed, change.unclean);
  tell(self, std::move(change));
}

void lose(gateway_self self, const std::string& why) {
  auto& state = self->state;
  if (state.now == phase::owning) tell(self, {});
  state.now = phase::connecting;
  state.context->database->close();
  std::uniform_real_distribution<double> jitter(0.5, 1.0);
  const auto wait =
      std::chrono::duration_cast<std::chrono::milliseconds>(state.backoff * jitter(state.random));
  state.context->log->warn("cascade.gateway.lost retry_ms={} text=\"{}\"", wait.count(), why);
  self->delayed_send(self, wait, reconnect{state.generation});
  state.backoff = std::min(state.backoff * 2, state.context->settings.reconnect_backoff_max);
}

void step(gateway_self self, const connection_step& s) {
  auto& state = self->state;
  if (s.generation != state.generation || state.now == phase::stopping) return;
  using kind = connection_step::kind;
  if (s.what == kind::lost || !s.ok) {
    ++state.generation;  // what else comes from this connection is void
    return lose(self, s.text);
  }
  switch (s.what) {
    case kind::ready:
      if (++state.sessions_ready == 1 + state.context->settings.writers) try_lanes(self);
      return;
    case kind::lanes:
      return lanes_tried(self, s);
    case kind::resumed:
      if (s.batches.empty()) {
        state.context->log->error("cascade.gateway.fenced epoch={}", state.epoch.value);
        tell(self, {});
        state.context->database->close();
        return self->quit(caf::make_error(errc::fenced));
      }
      if (state.now == phase::standby) return;
      return own(self, {true, true, false, state.epoch, s.batches, 0});
    case kind::taken_over:
      state.epoch = epoch_id{s.number};
      return own(self, {true, false, s.unclean, state.epoch,
                        std::vector<std::int64_t>(state.context->settings.writers), 0});
    case kind::lost:
      return;
  }
}

}  // namespace

gateway_actor spawn_gateway(caf::actor_system& system, engine_context_ptr its_context) {
  return system.spawn(
      [](gateway_self self, engine_context_ptr context) -> gateway_impl::behavior_type {
        self->state.context = context;
        self->state.random.seed(static_cast<unsigned>(context->settings.seed + 1));
        self->attach_functor(
            [context, opening = self->state.opening] { context->database->close(*opening); });
        connect(self);
        return {
            [self](const attach_database&) {
              auto user = caf::actor_cast<database_user>(self->current_sender());
              self->state.users.push_back(user);
              if (self->state.last.up) self->send(user, self->state.last);
            },
            [self](const describe&) {
              description d;
              static constexpr const char* names[] = {"connecting", "standby", "owning",
                                                      "stopping"};
              d.state = names[static_cast<int>(self->state.now)];
              d.detail = nlohmann::json{{"epoch", self->state.epoch.value},
                                        {"connection", self->state.generation}}
                             .dump();
              return d;
            },
            [self](const connection_step& s) { step(self, s); },
            [self](const reconnect& r) {
              if (r.generation != self->state.generation) return;
              if (self->state.now == phase::standby) return try_lanes(self);
              if (self->state.now == phase::connecting) connect(self);
            },
        };
      },
      std::move(its_context));
}

}  // namespace cascade
