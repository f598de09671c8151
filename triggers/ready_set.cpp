#include "triggers/ready_set.hpp"

#include <utility>

#include "state/assert.hpp"

namespace cascade {

// Unsigned differences wrap around and come out right.
void ready_set::band_changed(lot_index at, std::uint8_t priority, std::size_t size, std::size_t hot,
                             std::size_t lines) {
  lot_data& lot = *lots_[at];
  auto& band = lot.bands[priority];
  lot.count += band->size() - size;
  lot.hot += band->hot_size() - hot;
  size_ += band->size() - size;
  hot_ += band->hot_size() - hot;
  lines_ -= lines;
  if (size == 0 && ageing_.count() > 0) {
    lot.waiting_since.resize(lot_data::priorities);
    lot.waiting_since[priority] = now_;
  }
  if (band->empty())
    band.reset();  // with the debts in it: nobody else waits
  else
    lines_ += band->lines();
  lot.mark(priority, band != nullptr);
}

ready_set::lot_index ready_set::lot(const std::string& queue, handler_class c) {
  const auto [at, made] = index_.try_emplace({queue, c}, static_cast<lot_index>(lots_.size()));
  if (made) {
    lots_.push_back(std::make_unique<lot_data>());
    lots_.back()->queue = queue;
    lots_.back()->kind = c;
  }
  return at->second;
}

void ready_set::set_weights(lot_index lot, double weight, tenant_strides tenants) {
  lots_[lot]->stride = fair_stride(weight);
  lots_[lot]->tenants = std::move(tenants);
}

ready_set::place ready_set::place_of(lot_index lot, const ready_key& key) const {
  place at{lot, key.priority, key.tenant};
  if (at.tenant > shared_tenants && lines_ >= tenant_lines_max && find(at) == nullptr)
    at.tenant = 1 + at.tenant % shared_tenants;
  return at;
}

bool ready_set::takes_hot(place at, bool backlog) const {
  const ready_line* l = find(at);
  return l == nullptr || l->takes_hot(backlog);
}

void ready_set::push_back(lot_index lot, const ready_key& key, bool backlog) {
  const place at = place_of(lot, key);
  ready_key placed = key;
  placed.tenant = at.tenant;
  change(at, [&](ready_line& line) { line.push_back(placed, backlog); });
}

void ready_set::put_before(place at, ready_line&& from, freed_bodies& freed) {
  if (from.empty()) return;
  change(at, [&](ready_line& line) { line.put_before(std::move(from), freed); });
}

void ready_set::most_urgent(const lot_data& l, head& h) const {
  const int top = l.top();
  h.priority = h.urgency = static_cast<std::uint8_t>(top);
  if (ageing_.count() == 0 || l.waiting_since.empty()) return;
  for (int p = top; p >= 0; --p) {
    const auto i = static_cast<std::size_t>(p);
    if (!l.bands[i]) continue;
    const auto gained = (now_ - l.waiting_since[i]) / ageing_;
    const int urgency = static_cast<int>(
        std::min<std::int64_t>(p + std::max<std::int64_t>(gained, 0), limits::priority_max));
    if (urgency < h.urgency || (urgency == h.urgency && p == top)) continue;
    h.priority = static_cast<std::uint8_t>(p);
    h.urgency = static_cast<std::uint8_t>(urgency);
  }
}

ready_set::head ready_set::next_of(lot_index lot) const {
  CASCADE_ASSERT(lots_[lot]->count > 0);
  head h;
  h.lot = lot;
  most_urgent(*lots_[lot], h);
  return h;
}

ready_key ready_set::pop(head h) {
  ready_key key;
  change_band(h.lot, h.priority, [&](ready_band& b) { key = b.pop(lots_[h.lot]->tenants); });
  take_turn(h.lot, h.priority);
  return key;
}

void ready_set::take_turn(lot_index lot, std::uint8_t priority) {
  lot_data& l = *lots_[lot];
  turns& t = turns_[static_cast<std::size_t>(l.kind)][priority];
  t.now = share(l, priority).start;
  l.shares[priority] = {t.now + l.stride, ++t.served};
  if (!l.waiting_since.empty()) l.waiting_since[priority] = now_;
}

void ready_set::return_turn(lot_index lot, std::uint8_t priority) {
  lot_data& l = *lots_[lot];
  l.shares[priority].start -= std::min(l.stride, l.shares[priority].start);
}

std::size_t ready_set::reprioritize(const priority_changes& changes, freed_bodies& freed) {
  std::size_t moved = 0;
  for (lot_index i = 0; i < lots_.size(); ++i) {
    std::map<std::pair<std::uint8_t, tenant_index>, ready_line> changed;
    for (int p = 0; p <= lots_[i]->top(); ++p) {
      if (find(i, p) == nullptr) continue;
      const auto here = static_cast<std::uint8_t>(p);
      for (const tenant_index t : find(i, p)->tenants()) {
        std::map<std::uint8_t, ready_line> some;
        change({i, here, t}, [&](ready_line& line) { some = line.extract(changes, here); });
        for (auto& [priority, keys] : some)
          changed[{priority, t}].put_after(std::move(keys), priority, freed);
        if (find(i, p) == nullptr) break;  // that was the last one
      }
    }
    for (auto& [to, keys] : changed) {
      moved += keys.size();
      change({i, to.first, to.second}, [&, priority = to.first](ready_line& line) {
        line.put_after(std::move(keys), priority, freed);
      });
    }
  }
  return moved;
}

std::size_t ready_set::remove(const key_match& which, freed_bodies& freed) {
  std::size_t removed = 0;
  for (lot_index i = 0; i < lots_.size(); ++i)
    for (int p = 0; p <= lots_[i]->top(); ++p) {
      if (find(i, p) == nullptr) continue;
      for (const tenant_index t : find(i, p)->tenants())
        change({i, static_cast<std::uint8_t>(p), t}, [&](ready_line& line) {
          const ready_line gone = line.extract(which);
          gone.for_each_hot([&freed](const ready_key& k) { freed.push_back(k.body); });
          removed += gone.size();
        });
    }
  return removed;
}

void ready_set::end_backlog() {
  for (lot_index i = 0; i < lots_.size(); ++i)
    for (int p = 0; p <= lots_[i]->top(); ++p)
      if (const ready_band* b = find(i, p))
        for (const tenant_index t : b->tenants())
          change({i, static_cast<std::uint8_t>(p), t},
                 [](ready_line& line) { line.end_backlog(); });
}

bool ready_set::spillable(const ready_band& b) {
  bool any = false;
  b.for_each([&any](tenant_index, const ready_line& l) {
    any = any || (l.hot_size() > 0 && !l.reloading());
  });
  return any;
}

std::size_t ready_set::spill_band(place at, std::size_t count, freed_bodies& freed) {
  const ready_band& band = *find(at.lot, at.priority);
  const std::size_t hot = band.hot_size();
  const auto lines = band.tenants();
  std::size_t spilled = 0;
  for (const tenant_index t : lines) {
    const std::size_t its = band.find(t)->hot_size();
    const std::size_t part = count >= hot ? its : (its * count + hot - 1) / hot;
    change({at.lot, at.priority, t}, [&](ready_line& line) { spilled += line.spill(part, freed); });
  }
  return spilled;
}

bool ready_set::runs_low(head h, std::size_t count) const {
  const ready_band* b = find(h.lot, h.priority);
  if (b == nullptr || b->loading_size() > 0) return false;
  return b->size() > b->hot_size() && b->hot_size() < count;
}

std::optional<ready_set::standing> ready_set::find_task(task_id id) const {
  std::optional<standing> out;
  for (lot_index i = 0; i < lots_.size(); ++i)
    for (int p = lots_[i]->top(); p >= 0 && !out; --p)
      if (const ready_band* b = find(i, p))
        b->for_each([&](tenant_index t, const ready_line& l) {
          if (out) return;
          if (const auto found = l.find(id))
            out = standing{{i, static_cast<std::uint8_t>(p), t}, found->first.job, found->second};
        });
  return out;
}

void ready_set::abandon_reloads() {
  for (lot_index i = 0; i < lots_.size(); ++i)
    for (int p = 0; p <= lots_[i]->top(); ++p)
      if (const ready_band* b = find(i, p))
        for (const tenant_index t : b->tenants())
          change({i, static_cast<std::uint8_t>(p), t},
                 [](ready_line& line) { line.abandon_reload(); });
}

std::size_t ready_set::bytes() const noexcept {
  std::size_t total = 0;
  for (const auto& lot : lots_)
    for (const auto& band : lot->bands)
      if (band) total += band->bytes();
  return total;
}

}  // namespace cascade
