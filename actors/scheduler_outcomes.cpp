#include <nlohmann/json.hpp>

#include "actors/scheduler_impl.hpp"
#include "triggers/settle.hpp"

namespace cascade {
namespace {

retry_policy policy_of(const scheduler_data& s, const std::string& text) {
  if (text.empty()) return s.context->settings.retry;
  const auto value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) return s.context->settings.retry;
  const auto parsed = parse_retry_policy(value);
  return parsed ? parsed.value() : s.context->settings.retry;
}

double random01(scheduler_data& s) {
  return std::uniform_real_distribution<double>(0.0, 1.0)(s.random);
}

}  // namespace

void submit(scheduler_self self, settlement&& what, after_commit&& then) {
  auto& s = self->state;
  what.ticket = ++s.ticket;
  s.pending.emplace(what.ticket, std::move(then));
  self->send(s.recorder, record{std::move(what)});
}

void look_for_work(scheduler_self self) {
  if (auto inbox = caf::actor_cast<inbox_actor>(self->state.inbox)) self->send(inbox, bell{});
}

void take_outcomes(scheduler_self self, tasks_done& done, bool slots) {
  auto& s = self->state;
  settlement out;
  out.loose = !slots;  // nothing else is written of a quick task while it is out
  after_commit then;
  std::map<job_id, std::vector<completed_attempt>> steps;
  tasks_done early;
  for (task_done& d : done.tasks) {
    // An attempt from before this load: who it belongs to is not known yet.
    if (slots && !s.loaded && (!s.load_begun || s.adoptable.contains(d.id))) {
      early.tasks.push_back(std::move(d));
      continue;
    }
    if (slots) ++s.free_slots;
    const auto at = s.running.find(d.id);
    if (at == s.running.end() || at->second.attempt != d.attempt) {
      const auto stopped = s.stopping.find(d.id);  // else of a lost epoch
      if (stopped == s.stopping.end() || stopped->second.attempt != d.attempt) continue;
      leave(self, stopped->second);
      s.stopping.erase(stopped);
      continue;
    }
    running_task t = std::move(at->second);
    s.running.erase(at);
    if (t.quick && s.quick_out > 0) --s.quick_out;
    leave(self, t);
    ++s.finished;
    if (s.interrupting && d.how.how == outcome::kind::cancelled)
      d.how = outcome::snooze(std::chrono::milliseconds(0), "the service was stopped");
    const verdict v = settle(
        d.how, t.attempt, t.attempts_max, [&] { return policy_of(s, t.retry); }, random01(s));
    ++s.unrecorded;
    if (v.state == task_state::waiting) {
      ++then.attempts;
      ready_key key;
      key.id = d.id;
      key.job = t.job;
      key.handler = t.handler;
      key.attempt = static_cast<std::int16_t>(v.snoozed ? t.attempt - 1 : t.attempt);
      key.priority = t.priority;
      key.tenant = t.tenant;
      if (v.snoozed) key.flags |= flag_delay;
      const instant run_at = database_now(self) + v.delay;
      const bool forgotten = v.delay > kept_delay_max;
      if (!forgotten) {
        then.delays.emplace_back(delayed_key{key, t.lot}, run_at);
      } else {
        then.look = true;
        if (t.job) then.closed.emplace_back(t.job, 1);
      }
      out.backed_off.push_back({d.id, t.attempt, run_at, d.started, d.finished,
                                std::move(d.how.error), v.snoozed, forgotten});
      continue;
    }
    completed_attempt c{d.id,
                        t.job,
                        t.attempt,
                        v.state,
                        d.started,
                        d.finished,
                        std::move(d.how.result),
                        std::move(d.how.error),
                        std::move(t.step),
                        t.item};
    if (t.job && !c.step.empty()) {
      if (t.displaced) s.displaced.emplace(d.id, t.job);  // its job may be stopping it already
      steps[t.job].push_back(std::move(c));
      continue;
    }
    ++then.attempts;
    if (t.job) {
      if (then.closed.empty() || then.closed.back().first != t.job)
        then.closed.emplace_back(t.job, 0);
      ++then.closed.back().second;
    }
    out.completed.push_back(std::move(c));
  }
  if (!early.tasks.empty()) s.early.push_back(std::move(early));
  if (out.rows() > 0) submit(self, std::move(out), std::move(then));
  for (auto& [job, attempts] : steps) settle_steps(self, job, std::move(attempts), !slots);
  dispatch(self);
}

void progress(scheduler_self self, const task_beat& b) {
  auto& s = self->state;
  const auto at = s.running.find(b.id);
  if (at == s.running.end() || at->second.attempt != b.attempt) return;
  const auto [under_way, first] = s.beats.try_emplace(b.id);
  if (!first) {
    under_way->second = b;
    return;
  }
  settlement out;
  if (!std::exchange(at->second.written, true))
    out.started.push_back({b.id, b.attempt, at->second.started});
  out.progress.push_back({b.id, b.attempt, b.report.percent, b.report.text});
  after_commit then;
  then.beat = b.id;
  submit(self, std::move(out), std::move(then));
}

void committed(scheduler_self self, const recorded& r) {
  auto& s = self->state;
  if (const auto careful = s.careful_tickets.find(r.ticket); careful != s.careful_tickets.end()) {
    run_tasks quick, slots;
    quick.quick = true;
    for (const task_id id : careful->second) {
      const auto run = s.careful_runs.find(id);
      const auto task = s.running.find(id);
      if (run == s.careful_runs.end()) continue;
      if (task != s.running.end())
        (task->second.quick ? quick : slots).runs.push_back(std::move(run->second));
      else if (s.handler_classes[s.handler_of(run->second.handler, !run->second.command.empty())] ==
               handler_class::slot)
        ++s.free_slots;  // cancelled meanwhile: the pool never had it
      s.careful_runs.erase(run);
    }
    s.careful_tickets.erase(careful);
    if (!quick.runs.empty()) self->send(s.pool, std::move(quick));
    if (!slots.runs.empty()) self->send(s.pool, std::move(slots));
  }
  const auto at = s.pending.find(r.ticket);
  if (at == s.pending.end()) return;
  after_commit then = std::move(at->second);
  s.pending.erase(at);
  s.unrecorded -= std::min(s.unrecorded, then.attempts);
  if (!r.rejected.empty())
    s.context->log->error("cascade.scheduler.rejected ticket={} text=\"{}\"", r.ticket, r.rejected);
  if (!r.rejected.empty() && then.voided)
    return self->quit(caf::make_error(errc::database_rejected, r.rejected));  // the engine reloads
  if (then.look) look_for_work(self);
  if (then.beat) {
    const auto next = s.beats.extract(then.beat);
    if (next && next.mapped()) progress(self, *next.mapped());
  }
  for (const auto& [key, run_at] : then.delays) delay(self, key, run_at);
  for (const auto& [job, count] : then.closed) close_tasks(self, job, count);
  for (command_arrival& c : then.commands) apply(self, std::move(c));
  dispatch(self);
}

}  // namespace cascade
