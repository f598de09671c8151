#include <nlohmann/json.hpp>
#include <span>

#include "actors/job_impl.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace cascade {

namespace {

// The inserts from `first` on become a settlement of their own, with what follows from them. Costs as much as these.
submission take_inserts(submission& from, std::size_t first) {
  submission out;
  const auto move_tail = [first](auto& all, auto& tail) {
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(first);
    tail.assign(std::make_move_iterator(at), std::make_move_iterator(all.end()));
    all.erase(at, all.end());
  };
  move_tail(from.rows.inserts, out.rows.inserts);
  released_steps& released = from.then.released;
  move_tail(released.inserts, out.then.released.inserts);
  auto& known = released.from_inserts;
  const auto at =
      std::ranges::partition_point(known, [&](const auto& k) { return k.first < first; });
  for (auto k = at; k != known.end(); ++k)
    out.then.released.from_inserts.emplace_back(k->first - first, std::move(k->second));
  known.erase(at, known.end());
  out.then.released.look = released.look;
  out.rows.loose = true;
  return out;
}

void send(job_self self, submission&& s) {
  auto& d = self->state;
  s.rows.ticket = ++d.ticket;
  s.rows.job = d.begin.job;
  d.pending.emplace(s.rows.ticket, std::move(s.then));
  self->send(d.links.recorder, record{std::move(s.rows)});
}

}  // namespace

void submit(job_self self, settlement&& s, after_record&& then) {
  auto& d = self->state;
  submission out{std::move(s), std::move(then)};
  // The first items of a fan-out run while the others are inserted; a graph takes back half an expansion
  // (state/dag.hpp). The steps of a new job are one transaction.
  if (const auto most = d.context->settings.batch_rows_max; d.now == phase::running)
    while (out.rows.inserts.size() > most)
      out.then.slices.push_back(take_inserts(out, (out.rows.inserts.size() - 1) / most * most));
  if (d.end && !d.end_in_flight) {
    out.rows.loose = false;
    out.rows.end = d.end;
    out.then.ends = true;
    d.end_in_flight = true;
  }
  send(self, std::move(out));
}

void arm_retry(job_self self) {
  auto& d = self->state;
  self->delayed_send(self, d.backoff, job_retry{++d.retry});
  // A container may have tasks that are due in a year: it is told when it is idle again, and looks by
  // itself only for the sake of transactions that came to nothing.
  d.backoff = std::min<std::chrono::milliseconds>(
      d.backoff * 2, d.plan ? std::chrono::seconds(2) : std::chrono::seconds(60));
}

void try_end(job_self self) {
  auto& d = self->state;
  if (d.end && !d.end_in_flight) submit(self, {}, {});
}

void fail_job(job_self self, const std::string& why) {
  auto& d = self->state;
  d.context->log->error("cascade.job.failed job={} text=\"{}\"", d.begin.job.value, why);
  d.graph.reset();
  d.now = phase::ending;
  self->send(d.links.scheduler, forget_job_tasks{d.begin.job});
  d.end = job_end{job_state::failed, {}, storable_text(why, limits::error_bytes_max)};
  d.end_in_flight = false;
  settlement s;
  s.start = true;
  s.singles.push_back(
      {single_write::kind::cancel_job_tasks, d.begin.job.value, 0, "its job failed"});
  submit(self, std::move(s), {});
}

void carry(job_self self, decisions&& made, settlement& s, after_record& then) {
  auto& d = self->state;
  if (!made.reopened.empty()) {
    settlement reopen;
    tasks_released first;
    first.job = d.begin.job;
    for (const auto& r : made.reopened) {
      const auto id = d.steps->id_of(r.step, r.item).value;
      reopen.singles.push_back({single_write::kind::log_attempt, id, 0, {}});
      reopen.singles.push_back({single_write::kind::redrive_step, id, 0, {}});
      first.revived.push_back(task_id{id});
    }
    // Before anybody can read the new rows.
    self->send(d.links.scheduler, std::move(first));
    d.steps->set_redriven();
    submit(self, std::move(reopen), {});
  }
  d.steps->carry(made, s, then.released);
  if (made.end)
    d.end = job_end{made.end->state,
                    made.end->result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                    made.end->error};
}

namespace {

// A part of what was settled together: two connections can write two parts at once.
void settle_part(job_self self, std::span<completed_attempt> attempts, bool quick) {
  auto& d = self->state;
  settlement s;
  after_record then;
  then.settled = attempts.size();
  for (completed_attempt& a : attempts) {
    if (d.graph) {
      if (const auto step = d.plan->find(a.step)) {
        nlohmann::json value;
        if (a.state == task_state::completed && d.plan->plan(*step).result_needed &&
            !a.result.empty())
          value = nlohmann::json::parse(a.result, nullptr, false);
        carry(self, d.graph->settled(*step, a.item, a.state, std::move(value), a.error), s, then);
      }
    }
    s.completed.push_back(std::move(a));
  }
  s.loose = quick && s.rows() == s.completed.size();
  submit(self, std::move(s), std::move(then));
}

}  // namespace

void settle(job_self self, std::vector<completed_attempt>&& attempts, bool quick) {
  auto& d = self->state;
  if (d.now == phase::loading || d.now == phase::inserting) {
    std::move(attempts.begin(), attempts.end(), std::back_inserter(d.early));
    return;
  }
  std::span<completed_attempt> left(attempts);
  while (!left.empty()) {
    const auto part = left.first(std::min(left.size(), d.context->settings.batch_rows_max));
    left = left.subspan(part.size());
    settle_part(self, part, quick);
  }
}

namespace {

void on_recorded(job_self self, const recorded& r) {
  auto& d = self->state;
  const auto at = d.pending.find(r.ticket);
  if (at == d.pending.end()) return;
  after_record then = std::move(at->second);
  d.pending.erase(at);
  if (then.ends) d.end_in_flight = false;
  if (!r.rejected.empty()) {
    if (d.now == phase::ending && !d.graph) {
      if (then.ends) self->quit(caf::make_error(errc::database_rejected, r.rejected));
      return;  // else a part of what made the job fail
    }
    return fail_job(self, "the database refused it: " + r.rejected);
  }
  tasks_released ready;
  ready.job = d.begin.job;
  ready.settled = then.settled;
  ready.look = then.released.look;
  if (!then.released.inserts.empty()) d.steps->inserted(then.released.inserts, r.inserted);
  ready.tasks = std::move(then.released.known);
  for (auto& [insert, a] : then.released.from_inserts) {
    a.id = r.inserted.at(insert);
    ready.tasks.push_back(std::move(a));
  }
  for (arrival& a : ready.tasks) a.job = d.begin.job;
  for (const task_id id : then.stopped) self->send(d.links.scheduler, forget_task{id, d.begin.job});
  if (r.ended) {
    d.now = phase::over;
    d.context->log->debug("cascade.job.ended job={} status={}", d.begin.job.value,
                          to_string(*r.ended));
    self->send(d.links.scheduler, std::move(ready));
    self->send(d.links.scheduler, job_ended{d.begin.job, d.obeyed});
    return self->quit();
  }
  if (ready.settled > 0 || ready.look || !ready.tasks.empty())
    self->send(d.links.scheduler, std::move(ready));
  if (d.now == phase::running)  // else it was cancelled, and so are they
    while (!then.slices.empty()) {
      send(self, std::move(then.slices.back()));
      then.slices.pop_back();
    }
  if (then.rest) {
    d.now = phase::running;
    settlement s;
    after_record next;
    carry(self, std::move(*then.rest), s, next);
    if (s.rows() > 0 || d.end) submit(self, std::move(s), std::move(next));
    if (!d.early.empty()) settle(self, std::exchange(d.early, {}));
  }
  if (then.ends && d.end)
    arm_retry(self);  // open transactions or unfinished tasks of others: later
}

description describe_job(const job_data& d) {
  static constexpr const char* names[] = {"loading", "inserting", "running", "ending", "over"};
  description out;
  out.state = names[static_cast<int>(d.now)];
  nlohmann::json detail{
      {"job", d.begin.job.value}, {"workflow", d.row.workflow}, {"version", d.row.version}};
  if (d.graph) detail["active_steps"] = d.graph->active_count();
  detail["end_decided"] = d.end.has_value();
  out.detail = detail.dump();
  return out;
}

}  // namespace

job_actor spawn_job(caf::actor_system& system, engine_context_ptr its_context, job_links its_links,
                    job_start its_start) {
  return system.spawn(
      [](job_self self, engine_context_ptr context, job_links links,
         job_start start) -> job_impl::behavior_type {
        auto& d = self->state;
        d.context = context;
        d.links = links;
        d.begin = start;
        if (start.arrival)
          begin(self, job_arrival(*start.arrival));
        else
          read_rows(self);
        return {
            [self](const recorded& r) {
              guarded(self, [&] { on_recorded(self, r); });
              idle_priorities(self);
              idle_commands(self);
            },
            [self](steps_settled& s) {
              guarded(self, [&] { settle(self, std::move(s.attempts), s.quick); });
            },
            [self](const job_idle&) { guarded(self, [&] { idle(self); }); },
            [self](job_command& c) { guarded(self, [&] { obey(self, std::move(c.command)); }); },
            [self](reprioritize_job& r) { return reprioritize_steps(self, r); },
            [self](const describe&) { return describe_job(self->state); },
            [self](job_loaded& l) {
              loaded(self, l);
              idle_priorities(self);
              idle_commands(self);
            },
            [self](const job_retry& r) {
              auto& state = self->state;
              if (r.generation != state.retry) return;
              if (state.now != phase::loading) return try_end(self);
              if (state.row.id)
                get_plan(self);
              else
                read_rows(self);
            },
        };
      },
      std::move(its_context), std::move(its_links), std::move(its_start));
}

}  // namespace cascade
