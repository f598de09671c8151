#include "actors/worker.hpp"

#include <nlohmann/json.hpp>

#include "state/assert.hpp"

namespace cascade {
namespace {

using worker_impl = worker_actor::extend<caf::reacts_to<run_ended>, caf::reacts_to<run_beat>>;

struct worker_state {
  static inline const char* name = "cascade.worker";
  engine_context_ptr context;
  pool_actor pool;
  task_id task;
  int attempt = 0;
  monotonic started;
  std::uint64_t run = 0;  // counts runs, so that a late answer is recognised
  std::shared_ptr<running> handle;
  std::string handler;
  std::uint64_t done = 0;

  ~worker_state() {
    if (handle) handle->cancel();
  }
};
using worker_self = worker_impl::stateful_pointer<worker_state>;

void start(worker_self self, task_run&& what) {
  auto& state = self->state;
  CASCADE_ASSERT(!state.task);
  state.task = what.id;
  state.attempt = what.attempt;
  state.handler = what.handler;
  state.started = self->clock().now();
  const std::uint64_t run = ++state.run;
  auto handle = state.context->run->start(
      std::move(what),
      [to = caf::actor_cast<worker_impl>(self), run](outcome how) {
        caf::anon_send(to, run_ended{run, std::move(how)});
      },
      [to = caf::actor_cast<worker_impl>(self), run](progress_report report) {
        caf::anon_send(to, run_beat{run, std::move(report)});
      });
  state.handle = std::move(handle);
}

void ended(worker_self self, run_ended& e) {
  auto& state = self->state;
  if (e.run != state.run || !state.task) return;
  tasks_done done;
  done.tasks.push_back(
      {state.task, state.attempt, state.started, self->clock().now(), std::move(e.how)});
  state.task = {};
  state.handle.reset();
  ++state.done;
  self->send(state.pool, std::move(done));
}

description describe_worker(const worker_state& state) {
  description d;
  d.state = state.task ? "running" : "idle";
  nlohmann::json detail{{"done", state.done}};
  if (state.task)
    detail.update(
        {{"task", state.task.value}, {"attempt", state.attempt}, {"handler", state.handler}});
  d.detail = detail.dump();
  return d;
}

struct quick_state {
  static inline const char* name = "cascade.quick_worker";
  engine_context_ptr context;
  std::uint64_t done = 0;
};
using quick_self = worker_actor::stateful_pointer<quick_state>;

tasks_done run_all(quick_self self, const std::vector<task_run>& runs) {
  tasks_done done;
  done.tasks.reserve(runs.size());
  monotonic started = self->clock().now();
  for (const task_run& r : runs) {
    outcome how = self->state.context->run->run_inline(r);
    const monotonic finished = self->clock().now();
    done.tasks.push_back({r.id, r.attempt, started, finished, std::move(how)});
    started = finished;
  }
  self->state.done += runs.size();
  return done;
}

}  // namespace

worker_actor spawn_worker(caf::actor_system& system, engine_context_ptr its_context,
                          pool_actor its_pool, std::size_t its_index) {
  return system.spawn(
      [](worker_self self, engine_context_ptr context, pool_actor pool,
         std::size_t index) -> worker_impl::behavior_type {
        self->state.context = context;
        self->state.pool = pool;
        self->send(pool, worker_hello{index, false});
        return {
            [self](run_tasks& r) {
              CASCADE_ASSERT(r.runs.size() == 1);
              start(self, std::move(r.runs.front()));
            },
            [self](const cancel_run& c) {
              if (self->state.task == c.id && self->state.handle) self->state.handle->cancel();
            },
            [self](const describe&) { return describe_worker(self->state); },
            [self](run_ended& e) { ended(self, e); },
            [self](run_beat& b) {
              const auto& state = self->state;
              if (b.run == state.run && state.task)
                self->send(state.pool, task_beat{state.task, state.attempt, std::move(b.report)});
            },
        };
      },
      std::move(its_context), std::move(its_pool), its_index);
}

worker_actor spawn_quick_worker(caf::actor_system& system, engine_context_ptr its_context,
                                pool_actor its_pool) {
  return system.spawn(
      [](quick_self self, engine_context_ptr context,
         pool_actor pool) -> worker_actor::behavior_type {
        self->state.context = context;
        self->send(pool, worker_hello{0, true});
        return {
            [self](run_tasks& r) {
              auto to = caf::actor_cast<scheduler_actor>(self->current_sender());
              self->send(to, run_all(self, r.runs));
            },
            [](const cancel_run&) { /* over before a cancel can arrive */ },
            [self](const describe&) {
              description d;
              d.state = "idle";
              d.detail = nlohmann::json{{"done", self->state.done}}.dump();
              return d;
            },
        };
      },
      std::move(its_context), std::move(its_pool));
}

}  // namespace cascade
