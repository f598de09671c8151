#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/batch.hpp"
#include "actors/recorder_impl.hpp"

namespace cascade {
namespace {

bool may_take(const recorder_state& state, std::size_t writer) {
  const entry& e = state.queue.front();
  if (writer != 0) return e.what.loose && !e.alone;
  if (e.what.loose || !e.what.job) return true;
  // What the same job settled before may be under way elsewhere.
  return std::none_of(state.writers.begin() + 1, state.writers.end(),
                      [&](const auto& w) { return w.jobs.contains(e.what.job); });
}

flight take_flight(writer& w) {
  flight f = std::move(w.flights.front());
  w.flights.pop_front();
  for (const entry& e : f.entries)
    if (const auto at = w.jobs.find(e.what.job); at != w.jobs.end() && --at->second == 0)
      w.jobs.erase(at);
  return f;
}

std::vector<entry> take_batch(recorder_state& state, std::size_t writer) {
  std::vector<entry> out;
  std::size_t rows = 0;
  while (!state.queue.empty() && rows < state.context->settings.batch_rows_max) {
    if (!may_take(state, writer)) break;
    if (state.queue.front().alone && !out.empty()) break;
    out.push_back(std::move(state.queue.front()));
    state.queue.pop_front();
    rows += out.back().what.rows();
    if (out.back().alone) break;
  }
  state.queued_rows -= std::min(state.queued_rows, rows);
  return out;
}

void send_batch(recorder_self self, std::size_t index, std::vector<entry> entries) {
  auto& state = self->state;
  writer& to_use = state.writers[index];
  std::vector<settlement> settlements;
  settlements.reserve(entries.size());
  for (entry& e : entries) settlements.push_back(std::move(e.what));
  batch_options options;
  options.epoch = state.epoch;
  options.writer = index;
  options.number = to_use.last_batch + static_cast<std::int64_t>(to_use.flights.size()) + 1;
  options.now = self->clock().now();
  if (state.clock) options.sent_us = us_of(state.clock->now(options.now));
  if (index == 0) {
    options.count_arrivals = begin_count(self);
    options.fold_counters = std::exchange(state.fold_due, false) || options.count_arrivals;
  }
  auto batch = std::make_shared<built_batch>(build_batch(settlements, options));
  auto statements = std::move(batch->statements);
  // The Asio side keeps the shape of the batch only; the rows stay here until the answer.
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].what = std::move(settlements[i]);
  for (const entry& e : entries)
    if (e.what.job) ++to_use.jobs[e.what.job];
  to_use.flights.push_back({options.number, options.count_arrivals, std::move(entries)});
  if (!settlements.empty())
    state.counters_dirty =
        true;  // folding alone leaves nothing to fold: an idle node writes nothing
  state.context->database->write(
      index, std::move(statements),
      [to = caf::actor_cast<recorder_impl>(self), batch, index, generation = to_use.generation,
       number = options.number](pg::batch_reply reply) {
        batch_answered answer;
        answer.generation = generation;
        answer.writer = index;
        answer.number = number;
        if (reply) {
          answer.results = read_reply(*batch, reply.value());
          answer.left_uncounted = left_uncounted(*batch, reply.value());
        } else {
          answer.problem = reply.error().sqlstate == "CA009" ? errc::fenced : reply.error().code;
          answer.text = pg::to_string(reply.error());
        }
        caf::anon_send(to, std::move(answer));
      });
}

void pump_first(recorder_self self) {
  auto& state = self->state;
  const auto& flights = state.writers[0].flights;
  while (flights.size() < state.context->settings.batches_in_flight &&
         (!state.queue.empty() || state.fold_due || count_now(state))) {
    // A settlement that goes alone must not be followed before its fate is known.
    if (!flights.empty() && flights.back().entries.size() == 1 && flights.back().entries[0].alone)
      return;
    if (!state.queue.empty() && state.queue.front().alone && !flights.empty()) return;
    if (!state.queue.empty() && !may_take(state, 0) && !state.fold_due && !count_now(state)) return;
    send_batch(self, 0, take_batch(state, 0));
  }
}

}  // namespace

void pump(recorder_self self) {
  auto& state = self->state;
  if (!state.up) return;
  pump_first(self);
  // Small batches are better written by one connection: fewer commits.
  const std::size_t enough = std::max<std::size_t>(1, state.context->settings.batch_rows_max / 2);
  for (std::size_t i = 1; i < state.writers.size() && !state.count_due && !state.counting; ++i)
    while (!state.queue.empty() && state.queued_rows >= enough && may_take(state, i) &&
           state.writers[i].flights.size() < state.context->settings.batches_in_flight)
      send_batch(self, i, take_batch(state, i));
  if (state.closed) return give_back(self);
  if ((state.counters_dirty || state.arrived) && !state.fold_armed) {
    state.fold_armed = true;
    self->delayed_send(self, state.context->settings.fold_every, recorder_wake{});
  }
}

namespace {

void reply(recorder_self self, const entry& e, recorded answer) {
  if (auto to = caf::actor_cast<record_sink>(e.reply_to)) self->send(to, std::move(answer));
}

// The database will never take this settlement as it is. Results of attempts are the part that
// comes from outside.
bool strip(entry& e, const std::string& why) {
  if (e.stripped) return false;
  e.stripped = true;
  bool any = false;
  for (completed_attempt& c : e.what.completed) {
    if (c.result.empty() && c.error.empty()) continue;
    any = true;
    c.state = task_state::failed;
    c.result.clear();
    c.error = "the database refused the outcome of this attempt: " + why;
  }
  return any;
}

// A command that nothing came of would be carried out again after each load. False when it has none.
bool keep_commands(entry& e, const std::string& why) {
  if (!e.refused.empty()) return false;
  settlement said;
  said.ticket = e.what.ticket;
  for (const recorded_command& c : e.what.commands) said.commands.push_back({c.id, {}});
  for (const single_write& w : e.what.singles)
    if (w.what == single_write::kind::change_task ||
        w.what == single_write::kind::change_absent_task) {
      said.commands.push_back({command_id{w.number}, {}});
      said.singles.push_back({w.what, w.id, 0, "{}"});  // comes in again as it is
    }
  for (recorded_command& c : said.commands) c.outcome = "the database refused it: " + why;
  if (said.commands.empty()) return false;
  e.what = std::move(said);
  e.refused = why;
  return true;
}

void requeue(recorder_state& state, std::vector<entry>&& entries) {
  for (auto it = entries.rbegin(); it != entries.rend(); ++it) {
    state.queued_rows += it->what.rows();
    state.queue.push_front(std::move(*it));
  }
}

void take_back(recorder_self self, writer& w) {
  auto& state = self->state;
  while (!w.flights.empty()) {
    end_count(self, w.flights.back(), false);
    requeue(state, std::move(w.flights.back().entries));
    w.flights.pop_back();
  }
  w.jobs.clear();
}

void refused(recorder_self self, flight&& f, const std::string& why) {
  auto& state = self->state;
  if (f.entries.size() > 1) {
    for (entry& e : f.entries) e.alone = true;
    return requeue(state, std::move(f.entries));
  }
  if (f.entries.empty())  // only counters were to be folded
    return state.context->log->error("cascade.recorder.fold_refused text=\"{}\"", why);
  entry& e = f.entries.front();
  state.context->log->error("cascade.recorder.refused ticket={} job={} text=\"{}\"", e.what.ticket,
                            e.what.job.value, why);
  if (strip(e, why) || keep_commands(e, why)) return requeue(state, std::move(f.entries));
  recorded answer;
  answer.ticket = e.what.ticket;
  answer.rows = e.what.rows();
  answer.rejected = e.refused.empty() ? why : e.refused;
  reply(self, e, std::move(answer));
}

void tell_watcher(recorder_self self, flight& f, const batch_answered& answer) {
  if (!self->state.watcher || f.entries.empty()) return;
  batch_committed told{answer.writer, f.number, {}};
  told.settlements.reserve(f.entries.size());
  for (std::size_t i = 0; i < f.entries.size(); ++i)
    told.settlements.push_back({std::move(f.entries[i].what), answer.results[i].ended});
  self->send(self->state.watcher, std::move(told));
}

void answered(recorder_self self, batch_answered& answer) {
  auto& state = self->state;
  writer& w = state.writers[answer.writer];
  if (answer.generation != w.generation || w.flights.empty() ||
      w.flights.front().number != answer.number)
    return;
  if (answer.problem == errc{}) {
    flight f = take_flight(w);
    end_count(self, f, !answer.left_uncounted);
    w.last_batch = f.number;
    ++state.committed_batches;
    tell_watcher(self, f, answer);
    for (std::size_t i = 0; i < f.entries.size(); ++i) {
      state.committed_rows += answer.results[i].rows;
      answer.results[i].rejected = f.entries[i].refused;
      reply(self, f.entries[i], std::move(answer.results[i]));
    }
    return pump(self);
  }
  if (answer.problem == errc::fenced) {  // of the oldest batch: it is no echo of another's failure
    state.context->log->error("cascade.recorder.fenced epoch={}", state.epoch.value);
    return self->quit(caf::make_error(errc::fenced));
  }
  if (answer.problem == errc::database_unavailable || answer.problem == errc::deadline_exceeded ||
      answer.problem == errc::shutting_down)
    return;  // the gateway will say how it goes on
  // Later batches fail at the fence, because this one did not count up. All go back, in order; only
  // this one is suspect.
  flight first = take_flight(w);
  end_count(self, first, false);
  take_back(self, w);
  ++w.generation;  // their answers are void
  if (answer.problem == errc::database_conflict)
    requeue(state, std::move(first.entries));
  else
    refused(self, std::move(first), answer.text);
  pump(self);
}

void database(recorder_self self, const database_changed& change) {
  auto& state = self->state;
  state.up = change.up;
  if (!change.up) return;
  state.writers.resize(change.last_batches.size());
  for (std::size_t i = state.writers.size(); i-- > 0;) {  // the first one's go to the very front
    writer& w = state.writers[i];
    w.generation = change.generation << 20;  // room for the generations within a connection
    if (change.resumed && change.last_batches[i] != w.last_batch) {
      state.context->log->warn("cascade.recorder.lost_answer writer={} batch={} text=\"reloading\"",
                               i, change.last_batches[i]);
      return self->quit(caf::make_error(errc::database_unavailable));
    }
    if (change.resumed) take_back(self, w);
    w.last_batch = change.last_batches[i] + (change.resumed ? 1 : 0);  // the resume took a number
  }
  state.epoch = change.epoch;
  pump(self);
}

// Of two, the one that shows more is nearer to the database's: what was told to have started by it is not written as earlier.
void read_clock(recorder_self self, const database_clock& clock) {
  constexpr std::chrono::seconds set_back{1};
  auto& known = self->state.clock;
  const monotonic now = self->clock().now();
  const auto behind = known ? known->now(now) - clock.now(now) : std::chrono::microseconds(0);
  if (behind <= std::chrono::microseconds(0) || behind > set_back) known = clock;
}

description describe_recorder(const recorder_state& state) {
  std::size_t in_flight = 0;
  for (const writer& w : state.writers)
    for (const flight& f : w.flights) in_flight += f.entries.size();
  description d;
  d.state = !state.up ? "disconnected" : in_flight == 0 ? "idle" : "writing";
  d.detail = nlohmann::json{{"queued_rows", state.queued_rows},
                            {"settlements_in_flight", in_flight},
                            {"batches", state.committed_batches},
                            {"rows", state.committed_rows}}
                 .dump();
  return d;
}

}  // namespace

recorder_actor spawn_recorder(caf::actor_system& system, engine_context_ptr its_context,
                              gateway_actor its_gateway, row_watcher its_watcher) {
  return system.spawn(
      [](recorder_self self, engine_context_ptr context, gateway_actor gateway,
         row_watcher watcher) -> recorder_impl::behavior_type {
        self->state.context = context;
        self->state.watcher = watcher;
        self->send(gateway, attach_database{});
        return {
            [self](const database_changed& change) { database(self, change); },
            [self](record& r) {
              if (self->state.closed) return;
              self->state.queued_rows += r.what.rows();
              self->state.queue.push_back({std::move(r.what), self->current_sender()});
              pump(self);
            },
            [self](const uncounted_tasks&) { arrived(self); },
            [self](const clock_read& c) { read_clock(self, c.clock); },
            [self](const describe&) { return describe_recorder(self->state); },
            [self](batch_answered& answer) { answered(self, answer); },
            [self](const recorder_wake&) { fold(self); },
            [self](const drain& d) { return begin_drain(self, d); },
            [self](const drain_over& o) { end_drain(self, o); },
        };
      },
      std::move(its_context), std::move(its_gateway), std::move(its_watcher));
}

}  // namespace cascade
