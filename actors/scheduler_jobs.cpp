#include <nlohmann/json.hpp>

#include "actors/job.hpp"
#include "actors/scheduler_impl.hpp"
#include "actors/supervisor.hpp"

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
  then.voided = true;
  apply_with(self, c.id, "applied", std::move(out), std::move(then));
}

void retry_loose_task(scheduler_self self, const command_arrival& c) {
  drop_old_key(self, c.task, c.job);
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

// Its key is taken out, and its row, changed, comes in again through the inbox. The statement tells
// the command what came of it.
void change_task(scheduler_self self, const command_arrival& c) {
  auto& s = self->state;
  const auto argument = nlohmann::json::parse(c.argument, nullptr, false);
  if (!argument.is_object() || !(argument.contains("run_at_us") || argument.contains("payload")))
    return apply_with(self, c.id, "it says neither a time nor a payload");
  if (s.running.contains(c.task)) return apply_with(self, c.id, "the task is running");
  for (auto& [ticket, then] : s.pending)  // it is being recorded that it will be tried again
    if (std::ranges::any_of(then.delays, [&](auto& d) { return d.first.key.id == c.task; }))
      return then.commands.push_back(c);
  const bool here = take_out(self, c.task, c.job);
  settlement out;
  out.singles.push_back(
      {here ? single_write::kind::change_task : single_write::kind::change_absent_task,
       c.task.value, c.id.value, c.argument});
  after_commit then;
  if (here && c.job) then.closed.emplace_back(c.job, 1);
  then.look = true;
  submit(self, std::move(out), std::move(then));
}

void set_paused(scheduler_self self, const command_arrival& c, bool paused) {
  auto& s = self->state;
  const auto j = s.jobs.find(c.job);
  if (j == s.jobs.end()) return apply_with(self, c.id, "the job has finished");
  j->second.paused = paused;
  j->second.paused_known = true;
  if (!j->second.stopped()) resume(self, j->second);
  settlement out;
  out.singles.push_back(
      {single_write::kind::set_job_status, c.job.value, 0, paused ? "paused" : "running"});
  apply_with(self, c.id, "applied", std::move(out));
}

void limit_job(scheduler_self self, const command_arrival& c) {
  const auto j = self->state.jobs.find(c.job);
  if (j == self->state.jobs.end()) return apply_with(self, c.id, "the job has finished");
  j->second.limit_known = true;
  const auto argument = nlohmann::json::parse(c.argument, nullptr, false);
  const auto most =
      argument.is_object() ? argument.value("concurrency", nlohmann::json()) : nlohmann::json();
  const int number = most.is_number_integer() ? std::max(most.get<int>(), 0) : 0;
  limit_slot_of(self, c.job, number);
  settlement out;
  out.singles.push_back({single_write::kind::limit_job, c.job.value, number, {}});
  apply_with(self, c.id, "applied", std::move(out));
}

// Its settings count for the job.
void belongs_to(scheduler_self self, job_info_entry& job, const std::string& workflow) {
  auto& s = self->state;
  job.workflow = workflow;
  const auto setting = s.workflows.find(workflow);
  job.workflow_paused = setting != s.workflows.end() && setting->second.paused;
}

}  // namespace

void tell_job(scheduler_self self, job_info_entry& job, const char* kind, const char* reason,
              job_id id, task_id task) {
  command_arrival c;
  c.job = id;
  c.task = task;
  c.kind = kind;
  c.argument = reason;
  if (job.actor)
    self->send(job.actor, job_command{std::move(c)});
  else
    job.unsent_commands.push_back(std::move(c));
}

job_info_entry& job_entry(scheduler_self self, job_id id, const job_arrival* known, bool fresh) {
  auto& s = self->state;
  const auto [at, made] = s.jobs.try_emplace(id);
  if (!made) return at->second;
  job_start begin;
  begin.job = id;
  if (known != nullptr) {
    begin.arrival = *known;
    at->second.paused = known->state == job_state::paused;
    at->second.paused_known = at->second.limit_known = true;
    at->second.container = known->workflow.empty();
    belongs_to(self, at->second, known->workflow);
    if (known->concurrency > 0) limit_slot_of(self, id, known->concurrency);
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
  if (!j.paused_known) j.paused = a.paused;
  if (j.workflow.empty() && !a.workflow.empty()) {  // its row had not come before it
    belongs_to(self, j, a.workflow);
    if (self->state.slots.limited(slot_kind::workflow))
      count_running(self, {slot_kind::workflow, {}, a.workflow});
  }
  if (a.concurrency > 0 && !j.limit_known) limit_slot_of(self, a.job, a.concurrency);
  s.job_of[j.actor.address()] = a.job;
  self->monitor(j.actor);
  if (!j.unsent_steps.empty())
    self->send(j.actor, steps_settled{std::exchange(j.unsent_steps, {})});
  for (auto& c : std::exchange(j.unsent_commands, {})) {
    self->send(j.actor, job_command{c});
    j.sent_commands.push_back(std::move(c));
  }
  send_priorities(self, j);
  limit_job(self, a);
  arm_wake(self);
  tell_idle(self, j);
}

void settle_steps(scheduler_self self, job_id job, std::vector<completed_attempt>&& attempts,
                  bool quick) {
  auto& j = job_entry(self, job, nullptr, false);
  j.unrecorded += attempts.size();
  if (j.actor) return self->send(j.actor, steps_settled{std::move(attempts), quick});
  std::move(attempts.begin(), attempts.end(), std::back_inserter(j.unsent_steps));
}

void settled(scheduler_self self, job_id job, std::size_t attempts) {
  auto& s = self->state;
  s.unrecorded -= std::min(s.unrecorded, attempts);
  if (const auto at = s.jobs.find(job); at != s.jobs.end())
    at->second.unrecorded -= std::min(at->second.unrecorded, attempts);
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
  // What waits for the turn of its rate gives back the slots it has.
  std::vector<task_id> about;
  for (const auto& [id, held] : s.holding)
    if (held.job == job) about.push_back(id);
  for (const task_id id : about) take_out(self, id, job);
}

bool void_task(scheduler_self self, task_id task, job_id job) {
  auto& s = self->state;
  if (const auto at = s.running.find(task); at != s.running.end()) {
    leave_when_stopped(self, task, std::move(at->second));
    s.running.erase(at);
    return true;
  }
  if (cancel_delay(self, task) || s.displaced.erase(task) > 0) return true;
  if (s.holding.contains(task) && take_out(self, task, job)) return true;
  s.void_tasks.insert(task);
  if (const auto j = s.jobs.find(job); j != s.jobs.end()) ++j->second.voided;
  return false;
}

void job_over(scheduler_self self, const job_ended& end) {
  auto& s = self->state;
  const auto at = s.jobs.find(end.job);
  if (at == s.jobs.end()) return;
  settled(self, end.job, at->second.unrecorded);  // it ended before it heard of the rest
  job_info_entry j = std::move(at->second);
  s.jobs.erase(at);
  drop_priorities(self, j);
  s.job_limits.cancel(task_id{end.job.value});
  limit_slot_of(self, end.job, 0);
  std::erase_if(s.displaced, [&end](const auto& d) { return d.second == end.job; });
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
  if (c.kind == "queue_changed" || c.kind == "workflow_changed") {
    load_queues(self);
    return apply_with(self, c.id, "applied");
  }
  if (c.kind == "schedules_changed") {
    if (auto to = caf::actor_cast<schedules_actor>(s.schedules))
      self->send(to, schedules_changed{});
    return apply_with(self, c.id, "applied");
  }
  if (c.kind == "limit_job") return limit_job(self, c);
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

}  // namespace cascade
