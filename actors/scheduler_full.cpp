#include <algorithm>

#include "actors/scheduler_impl.hpp"

namespace cascade {
namespace {

constexpr const char* newest_goes =
    "cancelled: its concurrency_key is in use, and the queue says cancel_newest";
constexpr const char* newer_came =
    "cancelled: a newer task with its concurrency_key came, and the queue says cancel_running";

bool is_step(scheduler_data& s, job_id job) {
  const auto j = s.jobs.find(job);
  return j != s.jobs.end() && !j->second.container;
}

// Whose key is nowhere any more.
void cancel_keyless(scheduler_self self, task_id task, job_id job, const char* reason) {
  auto& s = self->state;
  ++s.displacements;
  s.start_by.cancel(task);
  if (is_step(s, job)) {
    s.displaced.emplace(task, job);
    return tell_job(self, s.jobs.at(job), "displace_task", reason, job, task);
  }
  settlement out;
  after_commit then;
  out.unrun.push_back({task, task_state::cancelled, reason, {}});
  if (job) then.closed.emplace_back(job, 1);
  submit(self, std::move(out), std::move(then));
}

void cancel_running(scheduler_self self, task_id task) {
  auto& s = self->state;
  running_task& t = s.running.at(task);
  const job_id job = t.job;
  ++s.displacements;
  t.displaced = true;
  if (is_step(s, job))
    return tell_job(self, s.jobs.at(job), "displace_task", newer_came, job, task);
  settlement out;
  after_commit then;
  out.unrun.push_back({task, task_state::cancelled, newer_came, {}});
  void_task(self, task, job);
  if (job) then.closed.emplace_back(job, 1);
  submit(self, std::move(out), std::move(then));
}

bool holds(const slot_names& names, const slot_name& name) {
  return std::ranges::find(names, name) != names.end();
}

// Only the newest goes on: by id, so that it does not matter in which order they come.
bool displace_older(scheduler_self self, const ready_key& key, const slot_name& name) {
  auto& s = self->state;
  const auto waiting = s.slots.waiting_for(name);
  std::vector<task_id> running;
  for (const auto& [id, t] : s.running)
    if (!t.displaced && holds(t.slots, name)) running.push_back(id);
  std::vector<std::pair<task_id, job_id>> about;
  for (const auto& [id, h] : s.holding)
    if (holds(h.names, name)) about.emplace_back(id, h.job);
  const auto newer = [&key](task_id id) { return id.value > key.id.value; };
  if (std::ranges::any_of(running, newer) ||
      std::ranges::any_of(about, [&](const auto& a) { return newer(a.first); }) ||
      std::ranges::any_of(waiting, [&](const delayed_key& w) { return newer(w.key.id); })) {
    s.bodies.release({key.body});
    cancel_keyless(self, key.id, key.job, newer_came);
    return true;
  }
  for (const delayed_key& w : waiting) {
    s.slots.remove(w.key.id);
    s.bodies.release({w.key.body});
    if (!drop_void(self, ready_key{.id = w.key.id, .job = w.key.job}))
      cancel_keyless(self, w.key.id, w.key.job, newer_came);
  }
  for (const auto& [id, job] : about)
    if (take_out(self, id, job) && !drop_void(self, ready_key{.id = id, .job = job}))
      cancel_keyless(self, id, job, newer_came);
  std::ranges::sort(running, {}, &task_id::value);
  const auto room = static_cast<std::size_t>(s.slots.limit(name) - 1);
  for (std::size_t i = 0; i + room < running.size(); ++i) cancel_running(self, running[i]);
  return false;
}

}  // namespace

bool displace(scheduler_self self, ready_set::lot_index lot, const ready_key& key,
              const slot_name& name) {
  auto& s = self->state;
  switch (s.lot_queue[lot]->strategy) {
    case when_full::cancel_newest:
      s.bodies.release({key.body});
      cancel_keyless(self, key.id, key.job, newest_goes);
      return true;
    case when_full::cancel_running:
      return displace_older(self, key, name);
    case when_full::wait:
    case when_full::round_robin:
      break;
  }
  return false;
}

}  // namespace cascade
