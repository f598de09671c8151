#include <algorithm>

#include "actors/scheduler_impl.hpp"

// Delayed tasks, whose bodies are fetched shortly before their time: when it comes, they start.
namespace cascade {
namespace {

constexpr std::size_t page_rows = 1'000;
constexpr std::size_t pages_max = 4;  // on their way

}  // namespace

void delay(scheduler_self self, const delayed_key& what, instant due) {
  auto& s = self->state;
  if (const auto old = s.delayed.put(what, due)) s.bodies.release({old->key.body});
  s.due_soon.erase(what.key.id);
}

bool cancel_delay(scheduler_self self, task_id task) {
  auto& s = self->state;
  const auto was = s.delayed.cancel(task);
  if (!was) return false;
  s.bodies.release({was->key.body});
  s.due_soon.erase(task);
  return true;
}

void fetch_delayed(scheduler_self self, std::vector<std::int64_t> ids) {
  auto& s = self->state;
  const engine_settings& limits = s.context->settings;
  if (!s.up || s.bodies.bytes() >= limits.body_bytes_max / 2) return;
  ids.resize(std::min(ids.size(), limits.ready_max / 4));
  for (std::size_t from = 0; from < ids.size(); from += page_rows) {
    if (s.delayed_reloads.size() >= pages_max) return;
    const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(from);
    const auto count = std::min(page_rows, ids.size() - from);
    std::vector<std::int64_t> page(begin, begin + static_cast<std::ptrdiff_t>(count));
    const auto number = fetch_rows(self, page);
    for (const auto id : page) s.due_soon.emplace(task_id{id}, number);
    s.delayed_reloads.emplace(number, std::move(page));
  }
}

bool take_delayed(scheduler_self self, std::uint64_t reload, bool ok, fetched_rows& rows) {
  auto& s = self->state;
  const auto ids = s.delayed_reloads.extract(reload);
  if (!ids) return false;
  for (const auto value : ids.mapped()) {
    const task_id id{value};
    // Not when it is delayed anew since: that row may have another payload.
    const auto at = s.due_soon.find(id);
    if (at == s.due_soon.end() || at->second != reload) continue;
    s.due_soon.erase(at);
    const auto row = rows.find(id);
    if (!ok || row == rows.end() || !row->second->has_payload) continue;
    s.delayed.change(id, [&](delayed_key& d) { s.keep_body(d.key, std::move(row->second->body)); });
  }
  return true;
}

}  // namespace cascade
