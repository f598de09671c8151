#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/scheduler_why.hpp"
#include "state/instant_text.hpp"

namespace cascade {
namespace {

using nlohmann::json;

json of_delayed(task_id id, const delayed_key& d, instant due) {
  const std::string until = format_instant(due);
  const bool retry = (d.key.flags & flag_delay) == 0;
  json out =
      retry ? make_link(id, task_verdict::retry_backoff,
                        fmt::format("Attempt {} failed; the next one starts at {}.", d.key.attempt,
                                    until))
            : make_link(id, task_verdict::delay, fmt::format("It is not due before {}.", until));
  out["until"] = until;
  return out;
}

// A task that is ready, wherever it is kept.
struct ready_task {
  task_id id;
  ready_set::lot_index lot = 0;
  job_id job;
  std::optional<ready_set::standing> line;  // none: it has left its line
  std::optional<rate_set::turn> turn;       // waits for its rate_key's
  std::optional<slot_set::waiting> slot;    // waits for its slots
};

std::optional<ready_task> find_ready(const scheduler_data& s, task_id id) {
  if (const auto at = s.ready.find_task(id)) return ready_task{id, at->at.lot, at->job, at, {}, {}};
  if (auto slot = s.slots.find(id))
    return ready_task{id, slot->task.lot, slot->task.key.job, {}, {}, std::move(slot)};
  if (const auto rest = s.rest.find(id)) {
    slot_set::waiting slot{rest->name.needs, {}, rest->before};
    slot.task.key.id = id;
    slot.task.key.job = rest->key.job;
    slot.before += s.slots.waiting_at(rest->name.queue, slot.needs, rest->priority);
    return ready_task{id, rest->lot, rest->key.job, {}, {}, std::move(slot)};
  }
  for (const queue_info* q : s.rated) {
    for (const delayed_key& d : q->turns)
      if (d.key.id == id) return ready_task{id, d.lot, d.key.job, {}, {}, {}};
    if (auto turn = q->rates->find(id))
      return ready_task{id, turn->task.lot, turn->task.key.job, {}, std::move(turn), {}};
  }
  for (const auto& [job, j] : s.jobs)
    for (const auto& [at, line] : j.parked)
      if (line.find(id)) return ready_task{id, at.lot, job, {}, {}, {}};
  return std::nullopt;
}

// The order of cascade.verdict_of, for tasks that nothing but the owner keeps.
task_verdict verdict_of(const scheduler_data& s, const queue_info& q, bool job_paused, bool parked,
                        monotonic now) {
  if (q.paused || job_paused) return task_verdict::paused;
  if (!s.up || s.draining) return task_verdict::no_owner;
  if (q.concurrency > 0 && q.running >= q.concurrency) return task_verdict::concurrency_limit;
  if (parked || (q.rates && (q.rates->queue_wait(now) || q.rates->parked() >= parked_max)))
    return task_verdict::rate_limit;
  return task_verdict::worker_capacity;
}

// How many start before it, of the lots that count; none when it has left its line.
template <class Predicate>
std::optional<std::size_t> ahead_of(const scheduler_data& s, const ready_task& t,
                                    Predicate counts) {
  if (!t.line) return std::nullopt;
  return s.ready.ahead_of(*t.line, counts);
}

json of_paused(const scheduler_data& s, const ready_task& t, const std::string& queue,
               const queue_info& q) {
  if (const auto j = s.jobs.find(t.job); !q.paused && j != s.jobs.end() && !j->second.paused) {
    const std::string& workflow = j->second.workflow;
    json out =
        make_link(t.id, task_verdict::paused,
                  fmt::format("Workflow {} is paused; cascade.resume_workflow({}) lets it go on.",
                              workflow, in_quotes(workflow)));
    out["workflow"] = workflow;
    return out;
  }
  json out = make_link(
      t.id, task_verdict::paused,
      q.paused ? fmt::format("Queue {} is paused; cascade.resume_queue({}) lets it go on.", queue,
                             in_quotes(queue))
               : fmt::format("Job {} is paused; cascade.resume_job({}) lets it go on.", t.job.value,
                             t.job.value));
  if (q.paused)
    out["queue"] = queue;
  else
    out["job"] = t.job.value;
  return out;
}

json of_no_owner(const scheduler_data& s, const ready_task& t) {
  json out =
      make_link(t.id, task_verdict::no_owner,
                s.draining ? "This node is stopping and starts nothing more; the next one goes on."
                           : "This node is not connected to its database, and starts nothing.");
  out["lane"] = t.job ? lane_of(t.job) : lane_of(t.id);
  return out;
}

json of_concurrency(const scheduler_data& s, const ready_task& t, const std::string& queue,
                    const queue_info& q) {
  json out = make_link(t.id, task_verdict::concurrency_limit,
                       fmt::format("Queue {} runs {} tasks, of {} that it may run at a time; "
                                   "cascade.limit_concurrency changes that.",
                                   queue, q.running, q.concurrency));
  out["queue"] = queue;
  out["limit"] = q.concurrency;
  out["running"] = q.running;
  set_place(out, ahead_of(s, t, [&](ready_set::lot_index l) { return s.lot_queue[l] == &q; }));
  add_holders(
      s, [&](const running_task& r) { return s.lot_queue[r.lot] == &q; }, out);
  return out;
}

json of_rate(const scheduler_data& s, const ready_task& t, const std::string& queue,
             const queue_info& q, monotonic now) {
  const auto whole = q.rates->queue_wait(now);
  json out = make_link(t.id, task_verdict::rate_limit, {});
  out["queue"] = queue;
  const auto say = [&](const std::string& what, const rate_limit& limit, const char* change) {
    out["rate"] = limit.per_second;
    out["burst"] = limit.burst;
    out["text"] = fmt::format(
        "Tasks of queue {}{} start at most {} times a second, {} at once; {} changes that.", queue,
        what, limit.per_second, limit.burst, change);
  };
  const auto turn_at = [&](monotonic at) {
    out["until"] = format_instant(s.clock.now(at));
    out["text"] = fmt::format("{} Its turn is at {}.", out["text"].get<std::string>(),
                              out["until"].get<std::string>());
  };
  if (t.turn) {
    say(" with rate_key " + t.turn->key, q.rates->key_limit(), "cascade.limit_keys");
    out["rate_key"] = t.turn->key;
    set_place(out, t.turn->before);
    turn_at(std::max({t.turn->at, now, whole.value_or(now)}));
  } else if (whole) {
    const rate_limit& limit = q.rates->queue_limit();
    const auto ahead = ahead_of(s, t, [&](ready_set::lot_index l) { return s.lot_queue[l] == &q; });
    say("", limit, "cascade.limit_queue");
    set_place(out, ahead);
    turn_at(*whole + limit.gap() * static_cast<std::int64_t>(ahead.value_or(0)));
  } else {
    out["text"] = fmt::format(
        "{} tasks of queue {} wait for the turns of their keys; others wait until some have "
        "started.",
        q.rates->parked(), queue);
  }
  return out;
}

json of_capacity(const scheduler_data& s, const ready_task& t) {
  const handler_class c = s.ready.class_of(t.lot);
  const std::string& node = s.context->settings.node_name;
  const bool full = c == handler_class::slot
                        ? s.free_slots == 0
                        : s.quick_out + s.unrecorded >= s.context->settings.quick_max;
  json out = make_link(
      t.id, task_verdict::worker_capacity,
      !s.may_start() ? fmt::format("It is ready; node {} has just begun.", node)
      : !full        ? fmt::format("It is ready, and node {} starts it in its turn.", node)
      : c == handler_class::slot
          ? fmt::format("It is ready; all workers of node {} are busy.", node)
          : fmt::format("It is ready; node {} records what quick tasks have done.", node));
  out["node"] = node;
  set_place(out, ahead_of(s, t, [&](ready_set::lot_index l) {
              return s.ready.class_of(l) == c && s.may_serve(l);
            }));
  if (full && c == handler_class::slot)
    add_holders(
        s, [](const running_task& r) { return !r.quick; }, out);
  return out;
}

json of_ready(const scheduler_data& s, const ready_task& t, monotonic now) {
  const std::string& queue = s.ready.queue_of(t.lot);
  const queue_info& q = *s.lot_queue[t.lot];
  const auto job = s.jobs.find(t.job);
  const bool job_paused = job != s.jobs.end() && job->second.stopped();
  switch (verdict_of(s, q, job_paused, t.turn.has_value(), now)) {
    case task_verdict::paused:
      return of_paused(s, t, queue, q);
    case task_verdict::no_owner:
      return of_no_owner(s, t);
    case task_verdict::concurrency_limit:
      return of_concurrency(s, t, queue, q);
    case task_verdict::worker_capacity:
      if (const auto full = t.slot ? full_slot(s, t.slot->needs) : std::nullopt)
        return of_slot(s, *t.slot, *full);
      return of_capacity(s, t);
    case task_verdict::rate_limit:
      return of_rate(s, t, queue, q, now);
    default:
      return of_capacity(s, t);
  }
}

}  // namespace

json why_in_memory(const scheduler_data& s, task_id id, monotonic now) {
  if (s.void_tasks.contains(id)) return nullptr;
  if (const auto at = s.running.find(id); at != s.running.end())
    return of_running(s, id, at->second);
  if (const auto due = s.delayed.find(id))
    return s.void_jobs.contains(due->first.key.job) ? json()
                                                    : of_delayed(id, due->first, due->second);
  const auto ready = find_ready(s, id);
  if (!ready || s.void_jobs.contains(ready->job)) return nullptr;
  return of_ready(s, *ready, now);
}

json why_now(const scheduler_data& s, const json& rows, monotonic now) {
  const auto verdict = rows.value("verdict", "");
  const auto last = std::ranges::find(task_verdict_names, std::string_view(verdict));
  const bool over = last > task_verdict_names.begin() + static_cast<int>(task_verdict::running);
  json mine = rows.contains("task") && !over
                  ? why_in_memory(s, task_id{rows["task"].get<std::int64_t>()}, now)
                  : json();
  json out = rows;
  if (mine.is_null()) {
    for (json& b : out["because"]) b = why_now(s, b, now);
    return out;
  }
  // Of what waits for a time, the row knows the exact one, and why.
  if (mine.value("verdict", "") == verdict && mine.contains("until") && !mine.contains("queue")) {
    out["live"] = true;
    return out;
  }
  for (const char* key : {"step", "item"})
    if (rows.contains(key)) mine[key] = rows[key];
  return mine;
}

std::map<std::pair<std::string, task_verdict>, std::size_t> waiting_now(const scheduler_data& s,
                                                                        monotonic now) {
  std::map<std::pair<std::string, task_verdict>, std::size_t> out;
  for (ready_set::lot_index i = 0; i < s.ready.lot_count(); ++i)
    if (const auto n = s.ready.size(i); n > 0)
      out[{s.ready.queue_of(i), verdict_of(s, *s.lot_queue[i], false, false, now)}] += n;
  for (const auto& [name, q] : s.queues) {
    if (const auto n = s.slots.parked(name) + s.rest.size(name); n > 0)
      out[{name, q.paused ? task_verdict::paused : task_verdict::concurrency_limit}] += n;
    if (!q.rates) continue;
    if (!q.turns.empty()) out[{name, verdict_of(s, q, false, false, now)}] += q.turns.size();
    if (const auto n = q.rates->parked()) out[{name, verdict_of(s, q, false, true, now)}] += n;
  }
  for (const auto& [id, j] : s.jobs)
    for (const auto& [at, line] : j.parked)
      out[{s.ready.queue_of(at.lot), task_verdict::paused}] += line.size();
  s.delayed.for_each([&](const delayed_key& d) {
    const bool retry = (d.key.flags & flag_delay) == 0;
    ++out[{s.ready.queue_of(d.lot), retry ? task_verdict::retry_backoff : task_verdict::delay}];
  });
  return out;
}

}  // namespace cascade
