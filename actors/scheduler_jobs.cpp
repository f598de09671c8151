#include <nlohmann/json.hpp>

#include "actors/job.hpp"
#include "actors/scheduler_impl.hpp"
#include "actors/supervisor.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

bool idle(const job_info_entry& j) { return j.open <= j.voided; }

void tell_idle(scheduler_self self, job_info_entry& j) {
  if (j.actor && idle(j)) self->send(j.actor, job_idle{});
}

// A settlement that only says a command was carried out, with what goes along in the same commit.
void apply_with(scheduler_self self, command_id id, std::string outcome, settlement&& s = {},
                after_commit&& then = {}) {
  s.commands.push_back({id, std::move(outcome)});
  submit(self, std::move(s), std::move(then));
}

void cancel_task(scheduler_self self, const command_arrival& c) {
  settlement out;
  after_commit then;
  out.unrun.push_back({c.task, task_state::cancelled, "cancelled by a command", {}});
  const bool ran = void_task(self, c.task, c.job);
  if (c.job) then.closed.emplace_back(c.job, ran ? 1 : 0);
  apply_with(self, c.id, "applied", std::move(out), std::move(then));
}

void retry_loose_task(scheduler_self self, const command_arrival& c) {
  settlement out;
  out.singles.push_back({single_write::kind::log_attempt, c.task.value, 0, {}});
  if (c.job) out.singles.push_back({single_write::kind::reopen_job, c.job.value, 0, {}});
  out.singles.push_back({single_write::kind::redrive_task, c.task.value, 0, {}});
  after_commit then;
  then.look = true;
  apply_with(self, c.id, "applied", std::move(out), std::move(then));
}

void retry_finished_job(scheduler_self self, const command_arrival& c) {
  auto& s = self->state;
  // Reopened, it comes in through the inbox; its actor then redrives what failed.
  s.redrive_jobs.insert(c.job);
  settlement out;
  out.singles.push_back({single_write::kind::reopen_job, c.job.value, 0, {}});
  after_commit then;
  then.look = true;
  apply_with(self, c.id, "applied", std::move(out), std::move(then));
}

// Its key is taken out, and its row, changed, comes in again through the inbox.
void change_task(scheduler_self self, const command_arrival& c) {
  auto& s = self->state;
  const auto argument = nlohmann::json::parse(c.argument, nullptr, false);
  if (!argument.is_object() || !argument.contains("run_at_us"))
    return apply_with(self, c.id, "it says no time");
  if (s.running.contains(c.task)) return apply_with(self, c.id, "the task is running");
  settlement out;
  out.singles.push_back({single_write::kind::change_task,
                         c.task.value,
                         argument["run_at_us"].get<std::int64_t>(),
                         {}});
  after_commit then;
  if (take_out(self, c.task, c.job) && c.job) then.closed.emplace_back(c.job, 1);
  then.look = true;
  apply_with(self, c.id, "applied", std::move(out), std::move(then));
}

void set_priority(scheduler_self self, const command_arrival& c, int priority) {
  auto& s = self->state;
  settlement out;
  const scheduler_data::new_priority changed{
      {c.task, c.job}, c.job, static_cast<std::uint8_t>(priority)};
  if (c.task) {
    out.singles.push_back({single_write::kind::set_task_priority, c.task.value, priority, {}});
  } else {
    out.singles.push_back({single_write::kind::set_job_priority, c.job.value, priority, {}});
    if (const auto j = s.jobs.find(c.job); j != s.jobs.end() && j->second.actor)
      self->send(j->second.actor, job_command{c});
  }
  reprioritize(self, changed.which, changed.job, changed.priority);
  if (s.backlogs > 0) s.priorities.push_back(changed);
  apply_with(self, c.id, "applied", std::move(out));
}

void set_paused(scheduler_self self, const command_arrival& c, bool paused) {
  auto& s = self->state;
  const auto j = s.jobs.find(c.job);
  if (j == s.jobs.end()) return apply_with(self, c.id, "the job has finished");
  j->second.paused = paused;
  if (!paused) resume(self, j->second);
  settlement out;
  out.singles.push_back(
      {single_write::kind::set_job_status, c.job.value, 0, paused ? "paused" : "running"});
  apply_with(self, c.id, "applied", std::move(out));
}

}  // namespace

job_info_entry& job_entry(scheduler_self self, job_id id, const job_arrival* known, bool fresh) {
  auto& s = self->state;
  const auto [at, made] = s.jobs.try_emplace(id);
  if (!made) return at->second;
  job_start begin;
  begin.job = id;
  if (known != nullptr) {
    begin.arrival = *known;
    at->second.paused = known->state == job_state::paused;
    at->second.container = known->workflow.empty();
  }
  begin.redrive = s.redrive_jobs.erase(id) > 0;
  begin.fresh = fresh && !begin.redrive && known != nullptr && known->state == job_state::pending;
  start_child request;
  request.spec.name = "job-" + std::to_string(id.value) + "-" + std::to_string(++s.job_starts);
  request.spec.restart = restart_policy::temporary;
  request.spec.shutdown_within = std::chrono::milliseconds(500);
  request.spec.spawn = [context = s.context, me = scheduler_actor(self), recorder = s.recorder,
                        catalog = s.catalog,
                        begin = std::move(begin)](const supervisor_context& c) {
    return caf::actor_cast<caf::strong_actor_ptr>(
        spawn_job(c.system, context, {me, recorder, catalog}, begin));
  };
  self->request(s.jobs_supervisor, std::chrono::seconds(10), std::move(request))
      .then([](const child_started&) { /* job_attached says the same */ },
            [self](const caf::error& e) { self->quit(e); });
  return at->second;
}

void attach_job(scheduler_self self, const job_attached& a) {
  auto& s = self->state;
  const auto at = s.jobs.find(a.job);
  if (at == s.jobs.end()) return;
  job_info_entry& j = at->second;
  j.actor = caf::actor_cast<job_actor>(self->current_sender());
  j.container = a.container;
  j.paused = j.paused || a.paused;
  s.job_of[j.actor.address()] = a.job;
  self->monitor(j.actor);
  if (!j.unsent_steps.empty())
    self->send(j.actor, steps_settled{std::exchange(j.unsent_steps, {})});
  for (auto& c : std::exchange(j.unsent_commands, {})) {
    self->send(j.actor, job_command{c});
    j.sent_commands.push_back(std::move(c));
  }
  limit_job(self, a);
  arm_wake(self);
  tell_idle(self, j);
}

void settle_steps(scheduler_self self, job_id job, std::vector<completed_attempt>&& attempts,
                  bool quick) {
  auto& j = job_entry(self, job, nullptr, false);
  if (j.actor) return self->send(j.actor, steps_settled{std::move(attempts), quick});
  std::move(attempts.begin(), attempts.end(), std::back_inserter(j.unsent_steps));
}

void close_tasks(scheduler_self self, job_id job, std::size_t count) {
  auto& s = self->state;
  const auto at = s.jobs.find(job);
  if (at == s.jobs.end()) return;
  at->second.open -= std::min(at->second.open, count);
  tell_idle(self, at->second);
}

void void_job_tasks(scheduler_self self, job_id job) {
  auto& s = self->state;
  s.void_jobs.insert(job);
  for (auto it = s.running.begin(); it != s.running.end();) {
    if (it->second.job != job) {
      ++it;
      continue;
    }
    leave_when_stopped(self, it->first, std::move(it->second));
    it = s.running.erase(it);
  }
}

bool void_task(scheduler_self self, task_id task, job_id job) {
  auto& s = self->state;
  if (const auto at = s.running.find(task); at != s.running.end()) {
    leave_when_stopped(self, task, std::move(at->second));
    s.running.erase(at);
    return true;
  }
  if (s.delayed.cancel(task)) return true;
  s.void_tasks.insert(task);
  if (const auto j = s.jobs.find(job); j != s.jobs.end()) ++j->second.voided;
  return false;
}

void job_over(scheduler_self self, const job_ended& end) {
  auto& s = self->state;
  const auto at = s.jobs.find(end.job);
  if (at == s.jobs.end()) return;
  const job_info_entry j = std::move(at->second);
  s.jobs.erase(at);
  s.job_limits.cancel(task_id{end.job.value});
  if (j.actor) s.job_of.erase(j.actor.address());
  for (const auto& [place, line] : j.parked)
    line.for_each_hot([&s](const ready_key& k) { s.bodies.release({k.body}); });
  // Commands that crossed its end: they find a finished job now.
  for (std::size_t i = end.commands; i < j.sent_commands.size(); ++i)
    apply(self, command_arrival(j.sent_commands[i]));
  for (const command_arrival& c : j.unsent_commands) apply(self, command_arrival(c));
  dispatch(self);
}

void apply(scheduler_self self, command_arrival&& c) {
  auto& s = self->state;
  s.context->log->info("cascade.command kind={} job={} task={} queue={}", c.kind, c.job.value,
                       c.task.value, c.queue);
  if (c.kind == "queue_changed") {
    load_queues(self);
    return apply_with(self, c.id, "applied");
  }
  if (c.kind == "schedules_changed") {
    if (auto to = caf::actor_cast<schedules_actor>(s.schedules))
      self->send(to, schedules_changed{});
    return apply_with(self, c.id, "applied");
  }
  if (c.kind == "set_task_priority" || c.kind == "set_job_priority") {
    const auto argument = nlohmann::json::parse(c.argument, nullptr, false);
    const int priority = argument.is_object() ? argument.value("priority", limits::priority_default)
                                              : limits::priority_default;
    return set_priority(self, c, std::clamp(priority, limits::priority_min, limits::priority_max));
  }
  if (c.kind == "change_task") return change_task(self, c);
  if (c.kind == "pause_job" || c.kind == "resume_job")
    return set_paused(self, c, c.kind == "pause_job");
  const auto j = s.jobs.find(c.job);
  const bool active = c.job && j != s.jobs.end();
  if (active && (c.kind == "cancel_job" || c.kind == "close_job" || c.kind == "retry_job" ||
                 !j->second.container)) {
    if (!j->second.actor) return j->second.unsent_commands.push_back(std::move(c));
    self->send(j->second.actor, job_command{c});
    return j->second.sent_commands.push_back(std::move(c));
  }
  if (c.kind == "cancel_task") return cancel_task(self, c);
  if (c.kind == "retry_task" && (!c.job || active)) return retry_loose_task(self, c);
  if (c.kind == "retry_task" || c.kind == "retry_job") return retry_finished_job(self, c);
  apply_with(self, c.id, "the job has finished");
}

void load_queues(scheduler_self self) {
  auto& s = self->state;
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::load_queues);
  s.context->database->read(std::move(batch), [to = caf::actor_cast<scheduler_impl>(self),
                                               generation = s.generation](pg::batch_reply reply) {
    queues_loaded q;
    q.generation = generation;
    q.ok = reply.has_value();
    if (reply) {
      const pg::rows& r = reply.value().front();
      for (int i = 0; i < r.size(); ++i)
        q.queues.push_back({std::string(r.text(i, 0)),
                            r.boolean(i, 1),
                            r.is_null(i, 2) ? 0 : r.int32(i, 2),
                            {r.is_null(i, 3) ? 0 : r.float8(i, 3), r.int32(i, 4)},
                            {r.is_null(i, 5) ? 0 : r.float8(i, 5), r.int32(i, 6)},
                            r.int32(i, 7)});
    }
    caf::anon_send(to, std::move(q));
  });
}

}  // namespace cascade
