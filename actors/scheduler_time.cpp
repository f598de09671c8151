#include "actors/scheduler_impl.hpp"

namespace cascade {
namespace {

constexpr const char* too_late = "it did not start in the time that start_within gave it";
constexpr const char* out_of_time = "timed out: it took longer than its timeout";

void expire_task(scheduler_self self, const delayed_key& due) {
  auto& s = self->state;
  const ready_key& key = due.key;
  if (s.running.contains(key.id)) return;
  if (s.void_tasks.contains(key.id) || s.void_jobs.contains(key.job)) return;
  const auto job = s.jobs.find(key.job);
  if (job != s.jobs.end() && !job->second.container)
    return tell_job(self, job->second, "expire_task", too_late, key.job, key.id);
  settlement out;
  after_commit then;
  out.unrun.push_back({key.id, task_state::failed, too_late, {}});
  const bool ran = void_task(self, key.id, key.job);
  if (key.job) then.closed.emplace_back(key.job, ran ? 1 : 0);
  submit(self, std::move(out), std::move(then));
}

void expire_job(scheduler_self self, job_id id) {
  auto& s = self->state;
  if (const auto job = s.jobs.find(id); job != s.jobs.end())
    tell_job(self, job->second, "expire_job", out_of_time, id, {});
}

}  // namespace

instant database_now(scheduler_self self) { return self->state.clock.now(self->clock().now()); }

void limit_start(scheduler_self self, const arrival& a, const delayed_key& key) {
  if (a.start_by)
    self->state.start_by.put(key, *a.start_by);
  else if (a.start_within.count() > 0 && a.attempt == 0)
    self->state.start_by.put(key, database_now(self) + a.start_within);
}

void limit_job(scheduler_self self, const job_attached& a) {
  if (a.timeout.count() == 0) return;
  delayed_key key;
  key.key.id = task_id{a.job.value};
  self->state.job_limits.put(key, a.started.value_or(database_now(self)) + a.timeout);
}

void take_due(scheduler_self self) {
  auto& s = self->state;
  const instant now = database_now(self);
  std::vector<std::int64_t> soon;
  s.delayed.take_due(
      now,
      [&s](const delayed_key& d) {
        ready_key key = d.key;
        key.flags &= static_cast<std::uint8_t>(~flag_delay);
        s.due_soon.erase(key.id);
        if (!s.ready.takes_hot(s.ready.place_of(d.lot, key)))
          s.bodies.release({std::exchange(key.body, 0)});
        s.ready.push_back(d.lot, key);
      },
      [&soon](const delayed_key& d) { soon.push_back(d.key.id.value); });
  if (!soon.empty()) fetch_delayed(self, std::move(soon));
  s.start_by.take_due(now, [self](const delayed_key& d) { expire_task(self, d); });
  s.job_limits.take_due(now,
                        [self](const delayed_key& d) { expire_job(self, job_id{d.key.id.value}); });
  const monotonic here = self->clock().now();
  for (queue_info* q : s.rated)
    q->rates->take_due(here, [q](const delayed_key& d) { q->turns.push_back(d); });
}

std::optional<monotonic> next_due(scheduler_self self) {
  auto& s = self->state;
  std::optional<monotonic> at;
  const auto sooner = [&at](monotonic t) { at = std::min(at.value_or(t), t); };
  for (const delay_set* set : {&s.delayed, &s.start_by, &s.job_limits})
    if (const auto due = set->next()) sooner(s.clock.when(*due));
  const monotonic now = self->clock().now();
  for (const queue_info* q : s.rated) {
    if (const auto turn = q->rates->next()) sooner(*turn);
    if (const auto open = q->rates->queue_wait(now)) sooner(*open);
  }
  return at;
}

}  // namespace cascade
