#include "actors/scheduler_impl.hpp"

// A task's key, wherever it is: in the ready set, delayed, parked for its job, its turn or its slots.
namespace cascade {
namespace {

constexpr std::size_t parked_hot_max = 100;  // keys of one job, queue and priority
constexpr std::chrono::milliseconds look_again{100};

void park(scheduler_self self, job_info_entry& job, ready_set::lot_index lot, ready_key key) {
  ready_line& line = job.parked[{lot, key.priority, key.tenant}];
  auto& bodies = self->state.bodies;
  const bool room = line.hot_size() < parked_hot_max &&
                    bodies.bytes() < self->state.context->settings.body_bytes_max / 2;
  if (!room || !line.takes_hot()) bodies.release({std::exchange(key.body, 0)});
  line.push_back(key);
}

}  // namespace

bool usable(scheduler_self self, ready_set::lot_index lot, const ready_key& key) {
  auto& s = self->state;
  if (drop_void(self, key)) return false;
  if (!s.stopping.empty() && s.stopping.contains(key.id)) {  // it lives again before it has ended
    delay(self, {key, lot}, database_now(self) + look_again);
    return false;
  }
  const auto job = key.job ? s.jobs.find(key.job) : s.jobs.end();
  if (job == s.jobs.end() || !job->second.stopped()) return true;
  park(self, job->second, lot, key);
  return false;
}

bool drop_void(scheduler_self self, const ready_key& key) {
  auto& s = self->state;
  if (!s.void_tasks.empty() && s.void_tasks.contains(key.id))
    gone(self, key.id, key.job);
  else if (!key.job || !s.void_jobs.contains(key.job))
    return false;
  s.bodies.release({key.body});
  return true;
}

void drop_old_key(scheduler_self self, task_id task, job_id job) {
  auto& s = self->state;
  if (!s.void_tasks.contains(task)) return;
  if (take_out(self, task, job)) return gone(self, task, job);
  s.void_tasks.erase(task);
  if (const auto j = s.jobs.find(job); j != s.jobs.end() && j->second.voided > 0)
    --j->second.voided;
}

void gone(scheduler_self self, task_id task, job_id job) {
  auto& s = self->state;
  const bool was_void = s.void_tasks.erase(task) > 0;
  const auto at = s.jobs.find(job);
  if (at == s.jobs.end()) return;
  if (was_void && at->second.voided > 0) --at->second.voided;
  close_tasks(self, job, 1);
}

bool take_out(scheduler_self self, task_id task, job_id job) {
  auto& s = self->state;
  const key_match which{task, {}};
  s.start_by.cancel(task);
  freed_bodies freed;
  bool found = cancel_delay(self, task);
  found = found || s.ready.remove(which, freed) > 0;
  if (const auto j = s.jobs.find(job); !found && j != s.jobs.end())
    for (auto at = j->second.parked.begin(); !found && at != j->second.parked.end();) {
      const ready_line gone = at->second.extract(which);
      gone.for_each_hot([&freed](const ready_key& k) { freed.push_back(k.body); });
      found = !gone.empty();
      at = at->second.empty() ? j->second.parked.erase(at) : std::next(at);
    }
  for (queue_info* q : s.rated) {
    if (found) break;
    const auto body = q->rates->remove(task);
    if (body) freed.push_back(*body);
    found = body.has_value() || std::erase_if(q->turns, [&](const delayed_key& d) {
                                  if (d.key.id == task) freed.push_back(d.key.body);
                                  return d.key.id == task;
                                }) > 0;
    if (!found) continue;
    let_go(self, task);
  }
  if (const auto waited = found ? std::nullopt : s.slots.remove(task)) {
    freed.push_back(waited->key.body);
    found = true;
    s.rest.look_at_all();
  }
  if (!found) found = s.rest.remove(which) > 0;
  s.bodies.release(freed);
  return found;
}

void forget_keys(scheduler_self self, job_id job) {
  auto& s = self->state;
  const key_match which{{}, job};
  freed_bodies freed;
  s.ready.remove(which, freed);
  s.delayed.cancel(job, [&](const delayed_key& d) {
    freed.push_back(d.key.body);
    s.due_soon.erase(d.key.id);
  });
  s.start_by.cancel(job, [](const delayed_key&) {});
  for (const delayed_key& d : s.slots.remove(job)) freed.push_back(d.key.body);
  s.rest.remove(which);
  s.rest.look_at_all();
  for (queue_info* q : s.rated) {
    for (const delayed_key& d : q->rates->remove(job)) freed.push_back(d.key.body);
    std::erase_if(q->turns, [&](const delayed_key& d) {
      if (d.key.job == job) freed.push_back(d.key.body);
      return d.key.job == job;
    });
  }
  s.bodies.release(freed);
  // (What was parked for the job went with its entry.)
  std::vector<task_id> holding;
  for (const auto& [id, held] : s.holding)
    if (held.job == job) holding.push_back(id);
  for (const task_id id : holding) let_go(self, id);
}

void resume(scheduler_self self, job_info_entry& job) {
  auto& s = self->state;
  freed_bodies freed;
  for (auto& [at, line] : std::exchange(job.parked, {}))
    s.ready.put_before(at, std::move(line), freed);
  s.bodies.release(freed);
}

}  // namespace cascade
