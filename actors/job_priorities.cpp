// A new priority of the job, or of some of its steps: what is in memory, and what else follows.
#include "actors/job_impl.hpp"

namespace cascade {

// Of a task that is not there yet: that of its step's row.
int job_steps::priority_of(step_index step, int item) const {
  if (const known_task* t = known(step, item)) return t->priority;
  if (const known_task* t = known(step, -1)) return t->priority;
  return plan_->step(step).priority.value_or(defaults_.priority);
}

void job_steps::set_priority(int priority, const job_graph* graph) {
  defaults_.priority = priority;
  for (step_index i = 0; i < tasks_.size() && graph != nullptr; ++i)
    for (std::size_t n = 0; n < tasks_[i].size(); ++n)
      if (graph->is_open(i, row_at(i, n).second))
        tasks_[i][n].priority = static_cast<std::uint8_t>(priority);
}

std::vector<task_priority> job_steps::set_priorities(const std::vector<task_priority>& changes,
                                                     const job_graph& graph) {
  std::unordered_map<task_id, std::pair<step_index, int>> where;
  for (const task_priority& c : changes) where[c.task] = {0, -2};
  for (step_index i = 0; i < tasks_.size(); ++i)
    for (std::size_t n = 0; n < tasks_[i].size(); ++n)
      if (const auto at = where.find(tasks_[i][n].id); at != where.end()) at->second = row_at(i, n);
  std::map<std::pair<step_index, int>, job_id> raised;
  for (const task_priority& c : changes) {
    const auto [step, item] = where[c.task];
    known_task* t = item == -2 ? nullptr : known(step, item);
    if (t == nullptr) continue;  // a task that a handler added
    const bool rises = c.priority > t->priority;
    t->priority = c.priority;
    if (!rises) continue;
    for (const auto& before : graph.open_before(step)) {
      known_task* w = known(before.first, before.second);
      if (w == nullptr || w->priority >= c.priority) continue;
      w->priority = c.priority;
      raised[before] = c.job;
    }
  }
  std::vector<task_priority> out;
  for (const auto& [at, job] : raised) {
    const known_task* t = known(at.first, at.second);
    out.push_back({t->id, job, t->priority});
  }
  return out;
}

namespace {

// Ids of rows that are being inserted are not known yet.
bool inserts_under_way(const job_data& d) {
  return std::ranges::any_of(d.pending,
                             [](const auto& p) { return !p.second.released.inserts.empty(); });
}

reprioritized set_priorities(job_data& d, const reprioritize_job& r) {
  reprioritized out;
  if (r.job) d.row.priority = *r.job;
  if (!d.steps || !d.graph) return out;
  if (r.job) d.steps->set_priority(*r.job, d.graph.get());
  out.raised = d.steps->set_priorities(r.tasks, *d.graph);
  // Released when what is under way is committed.
  for (auto& [ticket, then] : d.pending)
    for (arrival& a : then.released.known)
      if (const auto step = d.plan->find(a.body.step))
        a.priority = d.steps->priority_of(*step, a.body.item);
  return out;
}

}  // namespace

caf::result<reprioritized> reprioritize_steps(job_self self, reprioritize_job& r) {
  auto& d = self->state;
  if (d.now != phase::loading && d.now != phase::inserting && !inserts_under_way(d))
    return set_priorities(d, r);
  auto promise = self->make_response_promise<reprioritized>();
  d.early_priorities.emplace_back(std::move(r), promise);
  return promise;
}

void idle_priorities(job_self self) {
  auto& d = self->state;
  if (d.now == phase::loading || d.now == phase::inserting || inserts_under_way(d)) return;
  for (auto& [r, promise] : std::exchange(d.early_priorities, {}))
    promise.deliver(set_priorities(d, r));
}

}  // namespace cascade
