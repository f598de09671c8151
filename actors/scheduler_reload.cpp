#include "actors/decode.hpp"
#include "actors/scheduler_impl.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

constexpr std::size_t reload_rows_max = 1'000;
constexpr std::size_t urgent_rows_max = 100;  // of a fetch that something waits for; more follow it
constexpr std::size_t reloads_max = 4;        // under way
constexpr std::size_t parked_hot_max = 100;   // keys of one job, queue and priority

std::size_t reload_rows(const scheduler_data& s) {
  return std::clamp<std::size_t>(s.context->settings.ready_max / 4, 1, reload_rows_max);
}

void fetch(scheduler_self self, std::vector<ready_set::reload>&& parts) {
  auto& s = self->state;
  std::vector<std::int64_t> ids;
  for (const auto& part : parts) ids.insert(ids.end(), part.ids.begin(), part.ids.end());
  const auto number = ++s.reload_number;
  s.reloads.emplace(number, std::move(parts));
  const auto bytes = std::max<std::size_t>(s.context->settings.body_bytes_max / 4, 1);
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::fetch_tasks, pg::params{}
                                           .int8s(ids)
                                           .texts(s.context->settings.tags)
                                           .int8(static_cast<std::int64_t>(bytes)));
  s.context->database->read(std::move(batch),
                            [to = caf::actor_cast<scheduler_actor>(self), generation = s.generation,
                             number](pg::batch_reply reply) {
                              tasks_fetched f;
                              f.reload = number;
                              f.generation = generation;
                              f.ok = reply.has_value();
                              if (reply) {
                                inbox_page page;
                                decode_inbox(reply.value().front(), page);
                                f.tasks = std::move(page.tasks);
                              }
                              caf::anon_send(to, std::move(f));
                            });
}

// The next cold keys of a lot, less those that are not usable. A key of a paused job is parked in
// its turn only: not before hot ones that are ahead of it.
void collect(scheduler_self self, const ready_set::head& from, std::size_t count,
             std::vector<ready_set::reload>& parts) {
  auto& s = self->state;
  --s.looks_left;
  const bool ahead = s.ready.has_hot(from);
  s.ready.begin_reload(
      from, count,
      [&](const cold_key& k, const ready_set::place& at) {
        ready_key key;
        key.id = k.id;
        key.job = k.job;
        key.flags = k.flags;
        key.priority = at.priority;
        key.tenant = at.tenant;
        return ahead ? !drop_void(self, key) : usable(self, at.lot, key);
      },
      parts);
}

// Begins with the lot; what is left of a page goes to others whose heads are cold. False when
// nothing was left to fetch of the lot's most urgent keys.
bool reload(scheduler_self self, handler_class c, const ready_set::head& from, std::size_t rows) {
  auto& s = self->state;
  std::vector<ready_set::reload> parts;
  collect(self, from, rows, parts);
  if (parts.empty()) return false;
  const auto ids_of = [&parts] {
    std::size_t n = 0;
    for (const auto& part : parts) n += part.ids.size();
    return n;
  };
  for (std::size_t ids = ids_of(); ids < rows && s.looks_left > 0; ids = ids_of()) {
    const auto next = s.ready.choose(c, [&s](ready_set::lot_index l) {
      const auto head = s.ready.next_of(l);
      return !s.ready.head_is_hot(head) && !s.ready.reloading(head) && s.may_serve(l);
    });
    if (!next) break;
    collect(self, *next, rows - ids, parts);
  }
  fetch(self, std::move(parts));
  return true;
}

void park(scheduler_self self, job_info_entry& job, ready_set::lot_index lot, ready_key key) {
  ready_line& line = job.parked[{lot, key.priority, key.tenant}];
  auto& bodies = self->state.bodies;
  const bool room = line.hot_size() < parked_hot_max &&
                    bodies.bytes() < self->state.context->settings.body_bytes_max / 2;
  if (!room || !line.takes_hot()) bodies.release({std::exchange(key.body, 0)});
  line.push_back(key);
}

ready_line::fetched fill(scheduler_self self, const ready_set::place& from, const cold_key& cold,
                         std::unordered_map<task_id, arrival*>& rows, ready_key& key) {
  auto& s = self->state;
  const auto row = rows.find(cold.id);
  if (row == rows.end()) {
    gone(self, cold.id, cold.job);
    return ready_line::fetched::gone;
  }
  arrival& a = *row->second;
  if (!a.has_payload) return ready_line::fetched::later;
  rows.erase(row);
  key.id = cold.id;
  key.job = cold.job;
  key.flags = cold.flags;
  key.tenant = from.tenant;
  key.priority = from.priority;  // the row may not have the newest one yet
  key.attempt = static_cast<std::int16_t>(a.attempt);
  key.handler = s.handler_of(a.body.handler, !a.body.command.empty());
  s.keep_body(key, std::move(a.body));
  return ready_line::fetched::here;
}

}  // namespace

std::optional<ready_set::head> next_lot(scheduler_self self, handler_class c) {
  auto& s = self->state;
  const auto may_serve = [&s](ready_set::lot_index l) { return s.may_serve(l); };
  const auto elsewhere = [&s](ready_set::lot_index l) { return s.may_leave_slots(l); };
  for (;;) {
    const auto first = s.ready.choose(c, may_serve, elsewhere);
    if (!first || first->elsewhere || s.ready.head_is_hot(*first)) return first;
    if (!s.ready.reloading(*first) && s.reloads.size() < reloads_max) {
      if (s.looks_left <= 0) {
        if (!std::exchange(s.going_on, true)) self->send(self, tasks_fetched{});
        return std::nullopt;
      }
      if (!reload(self, c, *first, std::min(reload_rows(s), urgent_rows_max))) continue;
    }
    const auto equal = s.ready.choose(
        c,
        [&](ready_set::lot_index l) { return may_serve(l) && s.ready.has_hot(s.ready.next_of(l)); },
        elsewhere);
    return equal && equal->urgency == first->urgency ? equal : std::nullopt;
  }
}

void fetch_ahead(scheduler_self self, handler_class c, ready_set::lot_index lot) {
  auto& s = self->state;
  const engine_settings& limits = s.context->settings;
  const std::size_t rows = reload_rows(s);
  if (s.ready.size(lot) == 0) return;
  const auto head = s.ready.next_of(lot);
  if (!s.ready.runs_low(head, rows) || s.reloads.size() >= reloads_max / 2 || s.looks_left <= 0)
    return;
  // Without room, what is fetched early would be spilled again.
  if (s.ready.hot_size() + rows <= limits.ready_max && s.bodies.bytes() < limits.body_bytes_max / 2)
    reload(self, c, head, rows);
}

void rows_arrived(scheduler_self self, tasks_fetched& f) {
  auto& s = self->state;
  if (f.reload == 0) {
    s.going_on = false;
    return dispatch(self);
  }
  if (f.generation != s.generation) return;
  const auto at = s.reloads.find(f.reload);
  if (at == s.reloads.end()) return;
  const auto parts = std::move(at->second);
  s.reloads.erase(at);
  std::unordered_map<task_id, arrival*> rows;
  for (arrival& a : f.tasks) rows.emplace(a.id, &a);
  for (const auto& part : parts)
    s.ready.end_reload(part, [&](const cold_key& cold, ready_key& key) {
      return f.ok ? fill(self, part.from, cold, rows, key) : ready_line::fetched::later;
    });
  if (!f.ok) return;  // asked for again when the connection is back
  bound_memory(self, parts);
  dispatch(self);
}

void abandon_reloads(scheduler_self self) {
  self->state.reloads.clear();
  self->state.ready.abandon_reloads();
}

void bound_memory(scheduler_self self, const std::vector<ready_set::reload>& fetched) {
  auto& s = self->state;
  const engine_settings& limits = s.context->settings;
  if (s.ready.hot_size() <= limits.ready_max && s.bodies.bytes() <= limits.body_bytes_max) return;
  // What cannot run now goes first.
  const auto rank = [&](const ready_set::place& at) -> std::optional<int> {
    for (const auto& part : fetched)
      if (part.from.lot == at.lot && part.from.priority == at.priority) return std::nullopt;
    return s.may_serve(at.lot) ? 1 : 0;
  };
  // Some more than needed, or each arrival would look for a line to spill.
  const std::size_t keys = limits.ready_max - limits.ready_max / 8;
  const std::size_t bytes = limits.body_bytes_max - limits.body_bytes_max / 8;
  while (s.ready.hot_size() > keys || s.bodies.bytes() > bytes) {
    const std::size_t hot = s.ready.hot_size();
    freed_bodies freed;
    if (s.ready.spill(hot > keys ? hot - keys : hot / 16 + 1, rank, freed) == 0) return;
    s.bodies.release(freed);
  }
}

bool usable(scheduler_self self, ready_set::lot_index lot, const ready_key& key) {
  auto& s = self->state;
  if (drop_void(self, key)) return false;
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
  bool found = s.delayed.cancel(task).has_value();
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
    found = body.has_value() ||
            std::erase_if(q->turns, [&](const delayed_key& d) { return d.key.id == task; }) > 0;
    if (!found) continue;
    let_go(self, task);
  }
  if (const auto waited = found ? std::nullopt : s.slots.remove(task)) {
    freed.push_back(waited->key.body);
    found = true;
  }
  s.bodies.release(freed);
  return found;
}

void resume(scheduler_self self, job_info_entry& job) {
  auto& s = self->state;
  freed_bodies freed;
  for (auto& [at, line] : std::exchange(job.parked, {}))
    s.ready.put_before(at, std::move(line), freed);
  s.bodies.release(freed);
}

}  // namespace cascade
