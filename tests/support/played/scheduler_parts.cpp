#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {

scheduler_parts::scheduler_parts(engine_test& t) : test(t) {
  pool = test.spawn_part<pool_actor>([this](auto*) { return pool_behavior(); });
  recorder = test.spawn_part<recorder_actor>([this](auto*) {
    return recorder_actor::behavior_type{
        [](const database_changed&) {},
        [this](record& r) { written.push_back(std::move(r.what)); },
        [](const uncounted_tasks&) {},
        [](const clock_read&) {},
        [](const drain&) { return drained{}; },
        [](const describe&) { return description{}; },
    };
  });
  catalog = test.spawn_part<catalog_actor>([](auto*) {
    return catalog_actor::behavior_type{
        [](const get_workflow&) -> caf::result<workflow_found> {
          return caf::make_error(errc::not_found);
        },
        [](const describe&) { return description{}; },
    };
  });
  jobs = test.spawn_part<supervisor_actor>([this](auto*) { return supervisor_behavior(); });
  inbox = test.spawn_part<inbox_actor>([this](auto*) {
    return inbox_actor::behavior_type{
        [](const console_query&) { return console_answer{}; },
        [](const database_changed&) {},
        [this](const bell&) { ++bells; },
        [this](const begin_load& b) { loads.push_back(b); },
        [this](const page_taken& p) { taken.push_back(p); },
        [](const attach_priorities&) {},
        [](const sync_inbox&) { return inbox_synced{}; },
        [](const describe&) { return description{}; },
    };
  });
}

scheduler_parts::~scheduler_parts() {
  test.end_all();
  job_parts.clear();
}

void scheduler_parts::start() {
  scheduler = test.keep(
      spawn_scheduler(test.sys, test.context(), {test.gateway, pool, recorder, catalog, jobs}));
  test.settle();
  test.tell(inbox, scheduler, attach_inbox{});
  test.settle();
}

void scheduler_parts::up(bool unclean) {
  database_changed change;
  change.up = true;
  change.unclean = unclean;
  change.epoch = epoch_id{1};
  change.generation = ++generation_;
  test.announce(change);
  test.tell(pool, caf::actor_cast<caf::actor>(scheduler), queues_loaded{generation_, true, {}, {}});
  test.settle();
}

void scheduler_parts::run(std::vector<arrival> tasks, bool unclean) {
  start();
  up(unclean);
  load(std::move(tasks));
}

instant scheduler_parts::database_now() {
  return instant(std::chrono::duration_cast<std::chrono::microseconds>(
      test.sched.clock().now().time_since_epoch()));
}

void scheduler_parts::page(inbox_page p, bool loading, bool loaded) {
  test.tell(inbox, scheduler, clock_read{{test.sched.clock().now(), database_now()}});
  test.tell(
      inbox, scheduler,
      work_arrived{std::move(p), loading ? work_arrived::kind::backlog : work_arrived::kind::fresh,
                   0, loaded, loading});
  test.settle();
}

void scheduler_parts::command(std::string kind, std::int64_t task, std::int64_t job,
                              std::string argument) {
  inbox_page p;
  p.commands.push_back({command_id{++commands_},
                        job_id{job},
                        task_id{task},
                        std::move(kind),
                        {},
                        std::move(argument)});
  page(std::move(p));
}

void scheduler_parts::set_priority(std::int64_t task, int priority, std::int64_t job) {
  reprioritize r;
  r.tasks.push_back({task_id{task}, job_id{job}, static_cast<std::uint8_t>(priority)});
  test.ask<reprioritized>(scheduler, std::move(r));
}

void scheduler_parts::set_job_priority(std::int64_t job, int priority) {
  reprioritize r;
  r.jobs.push_back({job_id{job}, static_cast<std::uint8_t>(priority)});
  test.ask<reprioritized>(scheduler, std::move(r));
}

void scheduler_parts::attach(std::int64_t id, std::string workflow, bool paused) {
  inbox_page p;
  p.jobs.emplace_back();
  p.jobs.back().id = job_id{id};
  p.jobs.back().workflow = workflow;
  if (paused) p.jobs.back().state = job_state::paused;
  page(std::move(p));
  test.tell(job(id), scheduler, job_attached{job_id{id}, workflow.empty(), paused});
  test.settle();
}

const job_actor& scheduler_parts::job(std::int64_t id) {
  job_part& part = job_parts[id];
  if (!part.actor)
    part.actor = test.spawn_part<job_actor>([&part](auto*) {
      return job_actor::behavior_type{
          [](const recorded&) {},
          [&part](steps_settled& s) {
            std::move(s.attempts.begin(), s.attempts.end(), std::back_inserter(part.settled));
          },
          [&part](const job_idle&) { ++part.idles; },
          [&part](const job_command& c) { part.commands.push_back(c.command); },
          [&part](const reprioritize_job& r) {
            part.priorities.push_back(r);
            return reprioritized{part.raises};
          },
          [](const describe&) { return description{}; },
      };
    });
  return part.actor;
}

arrival scheduler_parts::task(std::int64_t id, int priority, std::string queue,
                              std::string handler) {
  arrival a;
  a.id = task_id{id};
  a.priority = priority;
  a.has_payload = true;
  a.body.queue = std::move(queue);
  a.body.handler = std::move(handler);
  a.body.payload = "{}";
  a.body.attempts_max = 5;
  return a;
}

arrival scheduler_parts::delayed(std::int64_t id, std::chrono::microseconds due) {
  arrival a = task(id);
  a.state = task_state::waiting;
  a.reason = waiting_reason::delay;
  a.due = database_now() + due;
  return a;
}

arrival scheduler_parts::of_job(std::int64_t job, arrival a, std::string step) {
  a.job = job_id{job};
  a.body.step = std::move(step);
  return a;
}

int scheduler_parts::number(const std::string& name) {
  const auto d = test.ask<description>(scheduler, describe{});
  return nlohmann::json::parse(d->detail).at(name).get<int>();
}

ids scheduler_parts::started() {
  ids out;
  for (const auto* runs : {&slot_runs, &quick_runs})
    for (const task_run& r : *runs) out.push_back(r.id.value);
  slot_runs.clear();
  quick_runs.clear();
  return out;
}

void scheduler_parts::finish(std::int64_t id, outcome how) {
  const running_now r = in_pool.at(id);
  in_pool.erase(id);
  tasks_done done;
  done.tasks.push_back({r.id, r.attempt, r.started, test.sched.clock().now(), std::move(how)});
  test.tell(pool, scheduler, std::move(done));
  test.settle();
}

void scheduler_parts::finish_quick(std::int64_t id, int attempt) {
  tasks_done done;
  done.tasks.push_back({task_id{id}, attempt, test.sched.clock().now(), test.sched.clock().now(),
                        outcome::success()});
  test.tell(jobs, scheduler, std::move(done));
  test.settle();
}

settlement scheduler_parts::commit(const std::string& rejected) {
  if (written.empty()) throw std::logic_error("nothing is on its way to the database");
  settlement s = std::move(written.front());
  written.pop_front();
  recorded r;
  r.ticket = s.ticket;
  r.rows = s.rows();
  r.rejected = rejected;
  test.tell(recorder, scheduler, std::move(r));
  test.settle();
  return s;
}

void scheduler_parts::commit_all() {
  while (!written.empty()) commit();
}

pool_actor::behavior_type scheduler_parts::pool_behavior() {
  return {
      [](const task_beat&) {},
      [this](const attach_pool&) {
        return pool_inventory{still_running, slots};
      },
      [this](run_tasks& r) {
        auto& to = r.quick ? quick_runs : slot_runs;
        for (task_run& run : r.runs) {
          if (!r.quick) in_pool[run.id.value] = {run.id, run.attempt, test.sched.clock().now()};
          to.push_back(std::move(run));
        }
      },
      [this](const cancel_run& c) { stopped.push_back(c.id.value); },
      [](const worker_hello&) {},
      [](const tasks_done&) {},
      [](const describe&) { return description{}; },
  };
}

supervisor_actor::behavior_type scheduler_parts::supervisor_behavior() {
  return {
      [](const child_ready&) {},
      [this](const start_child& c) {
        job_starts.push_back(c.spec.name);
        return child_started{};
      },
      [](const stop_child& c) { return child_stopped{c.name}; },
      [](const restart_child&) { return child_started{}; },
      [](const describe&) { return description{}; },
      [](const find_child&) { return child_found{}; },
      [](const restart_query&) { return restart_counters{}; },
  };
}

}  // namespace cascade
