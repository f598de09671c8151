#include "actors/pool.hpp"

#include <deque>
#include <nlohmann/json.hpp>

#include "actors/supervisor.hpp"
#include "actors/worker.hpp"
#include "state/assert.hpp"

namespace cascade {
namespace {

struct slot {
  worker_actor worker;
  task_id task;
  int attempt = 0;
  monotonic started;
};

struct pool_state {
  static inline const char* name = "cascade.pool";
  engine_context_ptr context;
  supervisor_actor workers;
  std::vector<slot> slots;  // by worker index; worker null until its hello
  std::vector<std::size_t> idle;
  std::deque<task_run> unplaced;  // waiting for a worker that is being started
  std::size_t asked_for = 0;      // workers asked for
  worker_actor quick;
  scheduler_actor scheduler;
  tasks_done undelivered;  // outcomes while there was no scheduler
};
using pool_self = pool_actor::stateful_pointer<pool_state>;

void start_child_worker(pool_self self, std::string name, spawn_function spawn) {
  start_child request;
  request.spec.name = std::move(name);
  request.spec.spawn = std::move(spawn);
  request.spec.restart = restart_policy::permanent;
  request.spec.shutdown_within = std::chrono::milliseconds(500);
  self->request(self->state.workers, std::chrono::seconds(10), std::move(request))
      .then([](const child_started&) { /* its hello says the same */ },
            [self](const caf::error& e) {
              self->state.context->log->error("cascade.pool.worker_failed text=\"{}\"",
                                              error_text(e));
              self->quit(e);
            });
}

void place(pool_self self, std::size_t index, task_run&& run) {
  slot& s = self->state.slots[index];
  s.task = run.id;
  s.attempt = run.attempt;
  s.started = self->clock().now();
  run_tasks one;
  one.runs.push_back(std::move(run));
  self->send(s.worker, std::move(one));
}

void run_in_slots(pool_self self, std::vector<task_run>& runs) {
  auto& state = self->state;
  for (task_run& run : runs) {
    if (!state.idle.empty()) {
      const std::size_t index = state.idle.back();
      state.idle.pop_back();
      place(self, index, std::move(run));
      continue;
    }
    state.unplaced.push_back(std::move(run));
    if (state.asked_for == state.slots.size()) continue;  // one is coming back
    const std::size_t index = state.asked_for++;
    start_child_worker(
        self, "worker-" + std::to_string(index),
        [context = state.context, pool = pool_actor(self), index](const supervisor_context& c) {
          return caf::actor_cast<caf::strong_actor_ptr>(
              spawn_worker(c.system, context, pool, index));
        });
  }
}

void deliver(pool_self self, tasks_done done) {
  auto& state = self->state;
  if (state.scheduler) return self->send(state.scheduler, std::move(done));
  std::move(done.tasks.begin(), done.tasks.end(), std::back_inserter(state.undelivered.tasks));
}

// A slot is free again.
void free_slot(pool_self self, std::size_t index) {
  auto& state = self->state;
  state.slots[index].task = {};
  if (state.unplaced.empty()) return state.idle.push_back(index);
  task_run next = std::move(state.unplaced.front());
  state.unplaced.pop_front();
  place(self, index, std::move(next));
}

void hello(pool_self self, const worker_hello& h) {
  auto& state = self->state;
  auto worker = caf::actor_cast<worker_actor>(self->current_sender());
  self->monitor(worker);
  if (h.quick) {
    state.quick = worker;
    return;
  }
  state.slots.at(h.index).worker = worker;
  free_slot(self, h.index);
}

void down(pool_self self, const caf::down_msg& m) {
  auto& state = self->state;
  if (state.quick && state.quick.address() == m.source) {
    state.quick = nullptr;
    if (state.scheduler) self->send(state.scheduler, quick_lost{});
    return;
  }
  if (state.scheduler && state.scheduler.address() == m.source) {
    state.scheduler = nullptr;
    return;
  }
  for (std::size_t i = 0; i < state.slots.size(); ++i) {
    slot& s = state.slots[i];
    if (!s.worker || s.worker.address() != m.source) continue;
    s.worker = nullptr;
    std::erase(state.idle, i);
    if (!s.task) return;
    tasks_done lost;
    lost.tasks.push_back({s.task, s.attempt, s.started, self->clock().now(),
                          outcome::retry("its worker was killed")});
    s.task = {};
    return deliver(self, std::move(lost));
  }
}

// Whose slot is free is told by who says so: a task that was stopped may run elsewhere already.
void done(pool_self self, tasks_done& d) {
  auto& slots = self->state.slots;
  const auto at = std::ranges::find_if(slots, [who = self->current_sender()](const slot& s) {
    return s.worker && who && s.worker.address() == who->address();
  });
  if (at != slots.end() && at->task) free_slot(self, static_cast<std::size_t>(at - slots.begin()));
  deliver(self, std::move(d));
}

pool_inventory attach(pool_self self) {
  auto& state = self->state;
  state.scheduler = caf::actor_cast<scheduler_actor>(self->current_sender());
  self->monitor(state.scheduler);
  pool_inventory out;
  out.slots = state.slots.size();
  for (const slot& s : state.slots)
    if (s.task) out.running.push_back({s.task, s.attempt, s.started});
  for (const task_run& r : state.unplaced)
    out.running.push_back({r.id, r.attempt, self->clock().now()});
  for (const task_done& t : state.undelivered.tasks)
    out.running.push_back({t.id, t.attempt, t.started});
  if (!state.undelivered.tasks.empty())
    self->send(state.scheduler, std::exchange(state.undelivered, {}));
  return out;
}

void cancel(pool_self self, const cancel_run& c) {
  auto& state = self->state;
  for (const slot& s : state.slots)
    if (s.task == c.id && s.worker) self->send(s.worker, c);
  const auto at = std::ranges::find(state.unplaced, c.id, &task_run::id);
  if (at == state.unplaced.end()) return;
  const monotonic now = self->clock().now();
  tasks_done never;
  never.tasks.push_back({at->id, at->attempt, now, now, outcome::cancelled()});
  state.unplaced.erase(at);
  deliver(self, std::move(never));
}

description describe_pool(const pool_state& state) {
  std::size_t busy = 0;
  for (const slot& s : state.slots) busy += s.task ? 1 : 0;
  description d;
  d.state = busy == 0 ? "idle" : "running";
  d.detail =
      nlohmann::json{{"slots", state.slots.size()}, {"busy", busy}, {"started", state.asked_for}}
          .dump();
  return d;
}

}  // namespace

pool_actor spawn_pool(caf::actor_system& system, engine_context_ptr its_context,
                      supervisor_actor its_workers) {
  return system.spawn(
      [](pool_self self, engine_context_ptr context,
         supervisor_actor workers) -> pool_actor::behavior_type {
        self->state.context = context;
        self->state.workers = workers;
        self->state.slots.resize(context->settings.workers);
        self->set_down_handler([self](const caf::down_msg& m) { down(self, m); });
        start_child_worker(self, "quick",
                           [context, pool = pool_actor(self)](const supervisor_context& c) {
                             return caf::actor_cast<caf::strong_actor_ptr>(
                                 spawn_quick_worker(c.system, context, pool));
                           });
        return {
            [self](const attach_pool&) { return attach(self); },
            [self](run_tasks& r) {
              if (!r.quick) return run_in_slots(self, r.runs);
              if (self->state.quick)
                self->delegate(self->state.quick, std::move(r));
              else
                self->send(caf::actor_cast<scheduler_actor>(self->current_sender()), quick_lost{});
            },
            [self](const cancel_run& c) { cancel(self, c); },
            [self](const worker_hello& h) { hello(self, h); },
            [self](tasks_done& d) { done(self, d); },
            [self](task_beat& b) {
              if (self->state.scheduler) self->send(self->state.scheduler, std::move(b));
            },
            [self](const describe&) { return describe_pool(self->state); },
        };
      },
      std::move(its_context), std::move(its_workers));
}

}  // namespace cascade
