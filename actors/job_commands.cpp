#include <nlohmann/json.hpp>

#include "actors/job_impl.hpp"

namespace cascade {
namespace {

// Everything of the job that is unfinished ends now.
void stop_job(job_self self, settlement& s, const char* why, job_end&& end) {
  auto& d = self->state;
  self->send(d.links.scheduler, forget_job_tasks{d.begin.job});
  s.singles.push_back({single_write::kind::cancel_job_tasks, d.begin.job.value, 0, why});
  d.graph.reset();
  d.now = phase::ending;
  d.end = std::move(end);
}

void stop_step(job_self self, task_id id, task_state state, const std::string& why, settlement& s,
               after_record& then) {
  auto& d = self->state;
  const auto step = d.graph ? d.steps->find(id) : std::nullopt;
  if (step && !d.graph->is_open(step->first, step->second)) return;  // it has ended meanwhile
  s.unrun.push_back({id, state, why, {}});
  then.stopped.push_back(id);
  if (step) carry(self, d.graph->settled(step->first, step->second, state, {}, why), s, then);
}

}  // namespace

void obey(job_self self, command_arrival&& c) {
  auto& d = self->state;
  if (d.now == phase::loading || d.now == phase::inserting || d.end_in_flight)
    return d.early_commands.push_back(std::move(c));
  if (c.id) ++d.obeyed;
  settlement s;
  after_record then;
  if (c.kind == "cancel_job") {
    stop_job(self, s, "its job was cancelled",
             {job_state::cancelled, {}, "cancelled by a command"});
  } else if (c.kind == "expire_job") {
    stop_job(self, s, "its job timed out", {job_state::failed, {}, std::move(c.argument)});
  } else if (c.kind == "close_job") {
    d.row.keep_open = false;
    s.singles.push_back({single_write::kind::close_job, d.begin.job.value, 0, {}});
    if (!d.plan) d.end = job_end{{}, {}, {}, true};
  } else if (c.kind == "cancel_task") {
    stop_step(self, c.task, task_state::cancelled, "cancelled by a command", s, then);
  } else if (c.kind == "expire_task") {
    stop_step(self, c.task, task_state::failed, c.argument, s, then);
  } else if (c.kind == "displace_task") {
    stop_step(self, c.task, task_state::cancelled, c.argument, s, then);
  } else if (c.kind == "retry_task" && d.graph) {
    if (const auto at = d.steps->find(c.task)) {
      d.end.reset();
      carry(self, d.graph->redrive(at->first, at->second), s, then);
    }
  } else if (c.kind == "retry_job" && d.graph) {
    d.end.reset();
    carry(self, d.graph->redrive(), s, then);
  }
  if (c.id) s.commands.push_back({c.id, "applied"});
  submit(self, std::move(s), std::move(then));
}

void idle_commands(job_self self) {
  auto& d = self->state;
  if (d.early_commands.empty() || d.now == phase::loading || d.now == phase::inserting ||
      d.now == phase::over || d.end_in_flight)
    return;
  guarded(self, [&] {
    for (auto& c : std::exchange(d.early_commands, {})) obey(self, std::move(c));
  });
}

void idle(job_self self) {
  auto& d = self->state;
  d.backoff = backoff_first;
  if (!d.plan && d.now == phase::running && !d.row.keep_open && !d.end) d.end = job_end{};
  try_end(self);
}

}  // namespace cascade
