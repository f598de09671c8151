#include "actors/scheduler.hpp"

#include <nlohmann/json.hpp>

#include "actors/scheduler_impl.hpp"

namespace cascade {
namespace {

void database(scheduler_self self, const database_changed& change) {
  auto& s = self->state;
  s.up = change.up;
  s.generation = change.generation;
  abandon_reloads(self);
  if (!change.up) {
    if (s.context->on_ready) s.context->on_ready(false, s.epoch);
    return;
  }
  s.epoch = change.epoch;
  s.queues_known = false;
  load_queues(self);
  if (s.loaded) {
    if (s.context->on_ready) s.context->on_ready(true, s.epoch);
    return dispatch(self);
  }
  s.careful |= change.unclean;
}

// The load can begin when the database is up, the pool has told what runs, and the inbox is there.
void ask_for_load(scheduler_self self) {
  auto& s = self->state;
  auto inbox = caf::actor_cast<inbox_actor>(s.inbox);
  if (!inbox || s.load_asked || !s.inventory) return;
  s.load_asked = true;
  s.backlogs = 1;
  begin_load b;
  for (const auto& [id, r] : s.adoptable) b.running.push_back(id.value);
  self->send(inbox, std::move(b));
}

void loaded(scheduler_self self) {
  auto& s = self->state;
  s.loaded = true;
  // What still runs here but is unfinished no longer: cancelled or taken by somebody else
  // meanwhile.
  for (const auto& [id, r] : std::exchange(s.adoptable, {})) {
    running_task t;
    t.attempt = r.attempt;
    t.counted = false;
    leave_when_stopped(self, id, std::move(t));
  }
  s.context->log->info(
      "cascade.scheduler.loaded ready={} hot={} delayed={} running={} jobs={} epoch={}",
      s.ready.size(), s.ready.hot_size(), s.delayed.size(), s.running.size(), s.jobs.size(),
      s.epoch.value);
  for (tasks_done& d : std::exchange(s.early, {})) take_outcomes(self, d, true);
  if (s.context->on_ready) s.context->on_ready(true, s.epoch);
}

// A row is as old as the snapshot of its backlog: a retry of a task that a later page brings would
// start it twice.
bool waits_for_backlog(const scheduler_data& s, const command_arrival& c) {
  return s.backlogs > 0 &&
         (c.kind == "retry_task" || c.kind == "retry_job" || c.kind == "change_task" ||
          std::ranges::any_of(s.retries, [&](const command_arrival& r) {
            return (c.job && c.job == r.job) || (c.task && c.task == r.task);
          }));
}

void end_backlog(scheduler_self self) {
  auto& s = self->state;
  s.ready.end_backlog();
  if (--s.backlogs > 0) return;
  apply_late_priorities(self);
  for (command_arrival& c : std::exchange(s.retries, {})) apply(self, std::move(c));
}

void arrived(scheduler_self self, work_arrived& w) {
  auto& s = self->state;
  settlement out;
  s.load_begun = true;
  const bool backlog = w.what == work_arrived::kind::backlog;
  s.backlogs += w.announced;
  for (const job_arrival& j : w.page.jobs) {
    if (s.void_jobs.erase(j.id) > 0) forget_keys(self, j.id);  // it lives again, they must not
    job_entry(self, j.id, &j, !w.loading);
  }
  for (arrival& a : w.page.tasks) {
    correct_priority(self, a);
    accept(self, std::move(a), out, backlog, w.loading);
  }
  for (command_arrival& c : w.page.commands)
    if (waits_for_backlog(s, c))
      s.retries.push_back(std::move(c));
    else
      apply(self, std::move(c));
  if (out.rows() > 0) submit(self, std::move(out), {});
  if (w.last) end_backlog(self);
  if (w.last && w.loading) loaded(self);
  self->send(caf::actor_cast<inbox_actor>(s.inbox), page_taken{backlog});
  bound_memory(self);
  dispatch(self);
}

void quick_was_lost(scheduler_self self) {
  auto& s = self->state;
  std::map<ready_set::place, ready_line> again;
  for (auto it = s.running.begin(); it != s.running.end();) {
    running_task& t = it->second;
    if (!t.quick || s.careful_runs.contains(it->first)) {
      ++it;
      continue;
    }
    ready_key key;
    key.id = it->first;
    key.job = t.job;
    key.tenant = t.tenant;
    again[{t.lot, t.priority, t.tenant}].push_back(key);
    leave(self, t);
    it = s.running.erase(it);
  }
  freed_bodies freed;
  for (auto& [at, line] : again) s.ready.put_before(at, std::move(line), freed);
  s.bodies.release(freed);
  std::erase_if(s.stopping, [self](const auto& stopped) {
    if (stopped.second.quick) leave(self, stopped.second);
    return stopped.second.quick;
  });
  s.quick_out = 0;
  s.quick_cooldown = true;
  arm_wake(self);
}

void child_down(scheduler_self self, const caf::down_msg& m) {
  auto& s = self->state;
  if (m.source == s.pool.address()) {
    s.context->log->error("cascade.scheduler.pool_lost text=\"{}\"", error_text(m.reason));
    return self->quit(caf::make_error(errc::cancelled));  // all that ran is lost: reload
  }
  const auto at = s.job_of.find(m.source);
  if (at == s.job_of.end()) return;  // it had ended its job
  s.context->log->error("cascade.scheduler.job_actor_lost job={} text=\"{}\"", at->second.value,
                        error_text(m.reason));
  self->quit(caf::make_error(errc::cancelled));  // the engine reloads
}

// What still runs is told to stop, and goes back as it was: it is no fault of its own. What does not
// stop either is left to the next owner, who has to be careful with it.
void time_is_up(scheduler_self self, const drain_over& over) {
  auto& s = self->state;
  if (!s.drain_promise.pending()) return;
  if (over.done || (s.running.empty() && s.stopping.empty())) {
    s.drain_promise.deliver(drained{s.running.size() + s.unrecorded});
    return;
  }
  s.context->log->info("cascade.scheduler.interrupting tasks={}", s.running.size());
  s.interrupting = true;
  for (const auto& [id, t] : s.running) self->send(s.pool, cancel_run{id});
  self->delayed_send(self, interrupt_within, drain_over{true});
}

nlohmann::json numbers(const scheduler_data& s) {
  std::size_t parked = 0;
  for (const queue_info* q : s.rated) parked += q->rates->parked() + q->turns.size();
  return {{"ready", s.ready.size()},
          {"hot", s.ready.hot_size()},
          {"cold", s.ready.size() - s.ready.hot_size()},
          {"key_bytes", s.ready.bytes()},
          {"body_bytes", s.bodies.bytes()},
          {"delayed", s.delayed.size()},
          {"start_by", s.start_by.size()},
          {"running", s.running.size()},
          {"waiting_for_slots", s.slots.parked() + s.rest.size()},
          {"waiting_for_rate", parked},
          {"displaced", s.displacements},
          {"jobs", s.jobs.size()},
          {"free_slots", s.free_slots},
          {"quick_out", s.quick_out},
          {"unrecorded", s.unrecorded},
          {"dispatched", s.dispatched},
          {"finished", s.finished},
          {"arrived", s.arrived},
          {"backlogs", s.backlogs}};
}

}  // namespace

scheduler_actor spawn_scheduler(caf::actor_system& system, engine_context_ptr its_context,
                                scheduler_links its_links) {
  return system.spawn(
      [](scheduler_self self, engine_context_ptr context,
         scheduler_links links) -> scheduler_impl::behavior_type {
        auto& s = self->state;
        s.context = context;
        s.pool = links.pool;
        s.recorder = links.recorder;
        s.catalog = links.catalog;
        s.jobs_supervisor = links.jobs;
        s.ready.set_ageing(context->settings.ageing);
        s.random.seed(static_cast<unsigned>(context->settings.seed + 2));
        self->set_down_handler([self](const caf::down_msg& m) { child_down(self, m); });
        self->monitor(s.pool);
        self->request(s.pool, std::chrono::seconds(10), attach_pool{})
            .then(
                [self](const pool_inventory& i) {
                  auto& state = self->state;
                  state.free_slots = i.slots - std::min(i.slots, i.running.size());
                  for (const running_now& r : i.running) state.adoptable.emplace(r.id, r);
                  state.inventory = true;
                  ask_for_load(self);
                },
                [self](const caf::error& e) { self->quit(e); });
        self->send(links.gateway, attach_database{});
        return {
            [self](const console_query& q) { return answer(self, q); },
            [self](const database_changed& c) { database(self, c); },
            [self](const attach_inbox&) {
              self->state.inbox = self->current_sender();
              ask_for_load(self);
            },
            [self](const attach_schedules&) { self->state.schedules = self->current_sender(); },
            [self](const clock_read& c) {
              self->state.clock = c.clock;
              self->send(self->state.recorder, c);
              if (auto to = caf::actor_cast<schedules_actor>(self->state.schedules))
                self->send(to, c);
              arm_wake(self);
            },
            [self](work_arrived& w) { arrived(self, w); },
            [self](tasks_done& d) {
              take_outcomes(self, d,
                            self->current_sender() ==
                                caf::actor_cast<caf::strong_actor_ptr>(self->state.pool));
            },
            [self](const task_beat& b) { progress(self, b); },
            [self](const quick_lost&) { quick_was_lost(self); },
            [self](const recorded& r) { committed(self, r); },
            [self](const job_attached& a) { attach_job(self, a); },
            [self](tasks_released& t) {
              for (const task_id id : t.revived) drop_old_key(self, id, t.job);
              settled(self, t.job, t.settled);
              settlement out;
              for (arrival& a : t.tasks) accept(self, std::move(a), out);
              if (out.rows() > 0) submit(self, std::move(out), {});
              bound_memory(self);
              if (t.look) look_for_work(self);
              close_tasks(self, t.job, t.settled);
              dispatch(self);
            },
            [self](const job_ended& e) { job_over(self, e); },
            [self](const forget_job_tasks& f) { void_job_tasks(self, f.job); },
            [self](const forget_task& f) {
              if (void_task(self, f.id, f.job)) close_tasks(self, f.job, 1);
            },
            [self](const drain& d) -> caf::result<drained> {
              auto& state = self->state;
              state.draining = true;
              if (state.is_done()) return drained{0};
              state.drain_promise = self->make_response_promise<drained>();
              self->delayed_send(self, d.within, drain_over{});
              return state.drain_promise;
            },
            [self](tasks_fetched& f) { rows_arrived(self, f); },
            [self](reprioritize& r) { return new_priorities(self, r); },
            [self](const describe&) {
              description d;
              const auto& state = self->state;
              d.state = !state.up        ? "disconnected"
                        : !state.loaded  ? "loading"
                        : state.draining ? "draining"
                                         : "ready";
              d.detail = numbers(state).dump();
              return d;
            },
            [self](const scheduler_wake& w) {
              if (w.generation == self->state.wake) wake_up(self);
            },
            [self](queues_loaded& q) {
              auto& state = self->state;
              if (q.generation != state.generation) return;
              state.queues_failed = !q.ok && !state.queues_known;
              if (!q.ok) return arm_wake(self);  // nothing starts before they are known
              state.queues_known = true;
              set_queues(self, q);
              dispatch(self);
            },
            [self](const drain_over& over) { time_is_up(self, over); },
            [self](const rows_explained& r) { explain(self, r); },
        };
      },
      std::move(its_context), std::move(its_links));
}

}  // namespace cascade
