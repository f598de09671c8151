// New priorities: of everything in memory at once, in one pass, then of the jobs, who know what their
// tasks wait for.
#include "actors/scheduler_impl.hpp"

namespace cascade {
namespace {

constexpr std::chrono::seconds job_answers_within{30};
constexpr std::chrono::seconds recent_for{10};
constexpr std::size_t recent_max = 100'000;

void change_parked(job_info_entry& job, const priority_changes& changes, freed_bodies& freed) {
  std::map<ready_set::place, ready_line> moved;
  for (auto at = job.parked.begin(); at != job.parked.end();) {
    for (auto& [priority, keys] : at->second.extract(changes, at->first.priority))
      moved[{at->first.lot, priority, at->first.tenant}].put_after(std::move(keys), priority,
                                                                   freed);
    at = at->second.empty() ? job.parked.erase(at) : std::next(at);
  }
  for (auto& [to, keys] : moved) job.parked[to].put_after(std::move(keys), to.priority, freed);
}

void change(const priority_changes& changes, ready_key& key) {
  if (const auto priority = changes.of(key.id, key.job)) key.priority = *priority;
}

void change_delayed(scheduler_data& s, const priority_changes& changes) {
  for (const task_priority& t : changes.tasks())
    s.delayed.change(t.task, [&t](delayed_key& d) { d.key.priority = t.priority; });
  if (!changes.jobs().empty()) s.delayed.for_each([&](delayed_key& d) { change(changes, d.key); });
  for (auto& [ticket, then] : s.pending)
    for (auto& [d, run_at] : then.delays) change(changes, d.key);
}

// Their next attempts.
void change_running(scheduler_data& s, const priority_changes& changes) {
  for (const task_priority& t : changes.tasks())
    if (const auto at = s.running.find(t.task); at != s.running.end())
      at->second.priority = t.priority;
  if (changes.jobs().empty()) return;
  for (auto& [id, t] : s.running)
    if (const auto priority = changes.of(id, t.job)) t.priority = *priority;
}

void apply(scheduler_self self, const priority_changes& changes) {
  auto& s = self->state;
  if (changes.empty()) return;
  freed_bodies freed;
  s.ready.reprioritize(changes, freed);
  std::unordered_set<job_id> jobs;
  for (const task_priority& t : changes.tasks()) jobs.insert(t.job);
  for (const job_priority& j : changes.jobs()) jobs.insert(j.job);
  for (const job_id id : jobs)
    if (const auto j = s.jobs.find(id); j != s.jobs.end()) change_parked(j->second, changes, freed);
  for (queue_info* q : s.rated) {
    q->rates->reprioritize(changes);
    for (delayed_key& d : q->turns) change(changes, d.key);
  }
  s.slots.reprioritize(changes);
  s.rest.reprioritize(changes);
  s.rest.look_at_all();
  s.bodies.release(freed);
  change_delayed(s, changes);
  change_running(s, changes);
}

void keep(const priority_changes& changes, std::map<task_id, task_priority>& tasks,
          std::map<job_id, job_priority>& jobs) {
  for (const job_priority& j : changes.jobs()) {
    std::erase_if(tasks, [&j](const auto& t) { return t.second.job == j.job; });
    jobs[j.job] = j;
  }
  for (const task_priority& t : changes.tasks()) tasks[t.task] = t;
}

void forget_recent(scheduler_data& s) {
  s.recent = {};
  s.less_recent = {};
}

// For what a page that comes later brings as it was.
void remember(scheduler_self self, const priority_changes& changes) {
  auto& s = self->state;
  if (s.backlogs > 0) keep(changes, s.late_tasks, s.late_jobs);
  if (s.recent.tasks.size() + s.recent.jobs.size() >= recent_max)
    s.less_recent = std::exchange(s.recent, {});
  keep(changes, s.recent.tasks, s.recent.jobs);
  s.recent_until = self->clock().now() + recent_for;
}

void one_answered(scheduler_self self, const priority_round_ptr& round) {
  if (--round->open > 0) return;
  // Once more: what a job had sent before it knew is here by now.
  std::vector<task_priority> tasks = std::move(round->asked.tasks);
  tasks.insert(tasks.end(), round->raised.raised.begin(), round->raised.raised.end());
  const priority_changes all(std::move(tasks), std::move(round->asked.jobs));
  apply(self, all);
  remember(self, all);
  round->promise.deliver(std::move(round->raised));
  dispatch(self);
}

void ask(scheduler_self self, const job_actor& job, reprioritize_job&& what,
         const priority_round_ptr& round) {
  self->request(job, job_answers_within, std::move(what))
      .then(
          [self, round](const reprioritized& r) {
            auto& all = round->raised.raised;
            all.insert(all.end(), r.raised.begin(), r.raised.end());
            one_answered(self, round);
          },
          [self, round](const caf::error&) { one_answered(self, round); });  // the job has ended
}

}  // namespace

caf::result<reprioritized> new_priorities(scheduler_self self, reprioritize& asked) {
  auto& s = self->state;
  std::map<job_id, reprioritize_job> of_jobs;
  for (const job_priority& j : asked.jobs) of_jobs[j.job].job = j.priority;
  for (const task_priority& t : asked.tasks)
    if (t.job) of_jobs[t.job].tasks.push_back(t);
  const priority_changes changes(asked.tasks, asked.jobs);
  apply(self, changes);
  remember(self, changes);
  auto round = std::make_shared<priority_round>();
  round->asked = std::move(asked);
  round->open = 1;
  round->promise = self->make_response_promise<reprioritized>();
  for (auto& [id, what] : of_jobs) {
    const auto j = s.jobs.find(id);
    if (j == s.jobs.end() || (j->second.actor && j->second.container)) continue;
    ++round->open;
    if (j->second.actor)
      ask(self, j->second.actor, std::move(what), round);
    else
      j->second.unsent_priorities.emplace_back(std::move(what), round);
  }
  dispatch(self);
  auto promise = round->promise;
  if (round->open > 1)
    --round->open;
  else
    promise.deliver(reprioritized{});
  return promise;
}

void send_priorities(scheduler_self self, job_info_entry& job) {
  for (auto& [what, round] : std::exchange(job.unsent_priorities, {}))
    ask(self, job.actor, std::move(what), round);
}

void drop_priorities(scheduler_self self, job_info_entry& job) {
  for (auto& [what, round] : std::exchange(job.unsent_priorities, {})) one_answered(self, round);
}

// (A task that a producer added to a job has a priority of its own; a step that comes back has its job's.)
void correct_priority(scheduler_self self, arrival& a) {
  auto& s = self->state;
  if (s.recent.empty() && s.less_recent.empty()) return;
  if (self->clock().now() > s.recent_until) return forget_recent(s);
  for (const auto* known : {&s.less_recent, &s.recent})
    if (const auto t = known->tasks.find(a.id); t != known->tasks.end())
      a.priority = t->second.priority;
    else if (const auto j = known->jobs.find(a.job); !a.body.step.empty() && j != known->jobs.end())
      a.priority = j->second.priority;
}

void apply_late_priorities(scheduler_self self) {
  auto& s = self->state;
  std::vector<task_priority> tasks;
  std::vector<job_priority> jobs;
  for (const auto& [id, t] : std::exchange(s.late_tasks, {})) tasks.push_back(t);
  for (const auto& [id, j] : std::exchange(s.late_jobs, {})) jobs.push_back(j);
  apply(self, priority_changes(std::move(tasks), std::move(jobs)));
}

}  // namespace cascade
