#include "actors/decode.hpp"
#include "actors/scheduler_impl.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

constexpr std::size_t reload_rows_max = 1'000;
constexpr std::size_t urgent_rows_max = 100;  // of a fetch that something waits for; more follow it
constexpr std::size_t reloads_max = 4;        // under way
constexpr std::ptrdiff_t slot_reloads_max = 2;
constexpr std::size_t slot_hot_max = 200;

std::size_t reload_rows(const scheduler_data& s) {
  return std::clamp<std::size_t>(s.context->settings.ready_max / 4, 1, reload_rows_max);
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
        return ahead ? !drop_void(self, key)
                     : usable(self, at.lot, key) && !stays_behind(self, at, k);
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
  std::vector<std::int64_t> ids;
  for (const auto& part : parts) ids.insert(ids.end(), part.ids.begin(), part.ids.end());
  s.reloads.emplace(fetch_rows(self, ids), reload_under_way{std::move(parts), {}});
  return true;
}

// `row`: when it is here.
ready_line::fetched take_row(scheduler_self self, const cold_key& cold, fetched_rows& rows,
                             arrival*& row) {
  const auto at = rows.find(cold.id);
  if (at == rows.end()) {
    gone(self, cold.id, cold.job);
    return ready_line::fetched::gone;
  }
  row = at->second;
  if (!row->has_payload) return ready_line::fetched::later;
  rows.erase(at);
  return ready_line::fetched::here;
}

// `priority`: the row may not have the newest one yet.
ready_key make_key(scheduler_data& s, const cold_key& cold, std::uint8_t priority,
                   std::uint32_t tenant, arrival& row) {
  ready_key key;
  key.id = cold.id;
  key.job = cold.job;
  key.flags = cold.flags;
  key.tenant = tenant;
  key.priority = priority;
  key.attempt = static_cast<std::int16_t>(row.attempt);
  key.handler = s.handler_of(row.body.handler, !row.body.command.empty());
  s.keep_body(key, std::move(row.body));
  return key;
}

void end_reload(scheduler_self self, const ready_set::reload& part, bool ok, fetched_rows& rows) {
  auto& s = self->state;
  s.ready.end_reload(part, [&](const cold_key& cold, ready_key& key) {
    arrival* row = nullptr;
    const auto what = ok ? take_row(self, cold, rows, row) : ready_line::fetched::later;
    if (what == ready_line::fetched::here)
      key = make_key(s, cold, part.from.priority, part.from.tenant, *row);
    return what;
  });
}

void end_reload(scheduler_self self, const slot_reload& part, bool ok, fetched_rows& rows) {
  auto& s = self->state;
  s.rest.end_fetch(part.group, part.ticket, [&](const cold_key& cold, std::uint8_t priority) {
    arrival* row = nullptr;
    const auto what = ok ? take_row(self, cold, rows, row) : ready_line::fetched::later;
    if (what != ready_line::fetched::here) return what;
    const ready_key key = make_key(s, cold, priority, row->tenant, *row);
    s.slots.park(part.group.queue, part.group.needs,
                 {key, s.lot_of(part.group.queue, key.handler)});
    return what;
  });
}

// How many tasks that wait for the same slots keep their bodies.
std::size_t waiting_hot_max(const scheduler_data& s) {
  const engine_settings& limits = s.context->settings;
  const bool crowded =
      s.slots.parked() >= parked_max / 2 || s.bodies.bytes() >= limits.body_bytes_max / 2;
  return crowded ? 1 : std::clamp<std::size_t>(limits.ready_max / 4, 1, slot_hot_max);
}

}  // namespace

std::uint64_t fetch_rows(scheduler_self self, const std::vector<std::int64_t>& ids) {
  auto& s = self->state;
  const auto number = ++s.reload_number;
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
  return number;
}

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
  fetched_rows rows;
  for (arrival& a : f.tasks) rows.emplace(a.id, &a);
  if (take_delayed(self, f.reload, f.ok, rows)) return;
  const auto at = s.reloads.find(f.reload);
  if (at == s.reloads.end()) return;
  const auto what = std::move(at->second);
  s.reloads.erase(at);
  for (const auto& part : what.ready) end_reload(self, part, f.ok, rows);
  for (const auto& part : what.slots) end_reload(self, part, f.ok, rows);
  if (!f.ok) return;  // asked for again when the connection is back
  bound_memory(self, what.ready);
  dispatch(self);
}

void abandon_reloads(scheduler_self self) {
  self->state.reloads.clear();
  self->state.ready.abandon_reloads();
  self->state.rest.abandon_fetches();
  self->state.due_soon.clear();
  self->state.delayed_reloads.clear();
}

bool waits_behind(scheduler_self self, ready_set::lot_index lot, const ready_key& key,
                  const slot_names& needs) {
  auto& s = self->state;
  const slot_rest::group_name group{s.ready.queue_of(lot), needs};
  const auto top = s.rest.top(group);
  const bool others_first = top && key.priority <= *top;
  if (!others_first && (s.slots.available(needs) ||
                        s.slots.waiting_at(group.queue, needs, key.priority) < waiting_hot_max(s)))
    return false;
  s.bodies.release({key.body});
  s.rest.push(group, lot, key.priority, {key.id, key.job, key.flags});
  return true;
}

bool stays_behind(scheduler_self self, const ready_set::place& at, const cold_key& key) {
  auto& s = self->state;
  if (s.rest.size() == 0 || !key.job || (key.flags & flag_keyed) != 0) return false;
  const slot_rest::group_name group{s.ready.queue_of(at.lot), needs_of_job(s, key.job)};
  const auto top = s.rest.top(group);
  if (!top || at.priority > *top) return false;
  s.rest.push(group, at.lot, at.priority, key);
  return true;
}

void fetch_waiting(scheduler_self self) {
  auto& s = self->state;
  const auto begun =
      std::ranges::count_if(s.reloads, [](const auto& r) { return !r.second.slots.empty(); });
  if (!s.rest.changed() || begun >= slot_reloads_max) return;
  const std::size_t rows = reload_rows(s);
  std::vector<slot_reload> parts;
  std::vector<std::int64_t> ids;
  for (const auto& group : s.rest.take_changed()) {
    const auto top = s.rest.top(group);
    if (!top) continue;
    const std::size_t most = waiting_hot_max(s);
    const std::size_t waiting = s.slots.waiting_at(group.queue, group.needs, *top);
    if (2 * waiting > most) continue;  // looked at again when the first of them have started
    if (ids.size() >= rows) {
      s.rest.look_at(group);
      continue;
    }
    const slot_reload part{group, ++s.reload_number};
    const auto keys =
        s.rest.begin_fetch(group, std::min(most - waiting, rows - ids.size()), part.ticket,
                           [&](const cold_key& k, ready_set::lot_index lot, std::uint8_t priority) {
                             ready_key key;
                             key.id = k.id;
                             key.job = k.job;
                             key.flags = k.flags;
                             key.priority = priority;
                             return usable(self, lot, key);
                           });
    for (const cold_key& k : keys) ids.push_back(k.id.value);
    if (!keys.empty()) parts.push_back(part);
  }
  if (!parts.empty())
    s.reloads.emplace(fetch_rows(self, ids), reload_under_way{{}, std::move(parts)});
  else if (s.rest.changed() && !std::exchange(s.going_on, true))
    self->send(self, tasks_fetched{});
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

}  // namespace cascade
