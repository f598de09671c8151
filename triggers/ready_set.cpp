#include "triggers/ready_set.hpp"

#include <bit>
#include <utility>

#include "state/assert.hpp"

namespace cascade {

int ready_set::lot_data::top() const noexcept {
  if (occupied[1] != 0) return 127 - std::countl_zero(occupied[1]);
  if (occupied[0] != 0) return 63 - std::countl_zero(occupied[0]);
  return -1;
}

ready_set::counted::counted(ready_set& set, place at) : set_(set), at_(at) {
  const ready_line& l = set.line(at);
  size_ = l.size();
  hot_ = l.hot_size();
}

// Unsigned differences wrap around and come out right.
ready_set::counted::~counted() {
  lot_data& lot = *set_.lots_[at_.lot];
  auto& line = lot.lines[at_.priority];
  lot.count += line->size() - size_;
  lot.hot += line->hot_size() - hot_;
  set_.size_ += line->size() - size_;
  set_.hot_ += line->hot_size() - hot_;
  const std::uint64_t bit = std::uint64_t{1} << (at_.priority % 64);
  auto& occupied = lot.occupied[at_.priority / 64];
  if (line->empty()) {
    line.reset();  // an empty one keeps half a kilobyte
    occupied &= ~bit;
  } else {
    occupied |= bit;
  }
}

ready_line& ready_set::line(place at) {
  auto& slot = lots_[at.lot]->lines[at.priority];
  if (!slot) slot = std::make_unique<ready_line>();
  return *slot;
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

bool ready_set::takes_hot(place at, bool backlog) const {
  const ready_line* l = find(at);
  return l == nullptr || l->takes_hot(backlog);
}

void ready_set::push_back(lot_index lot, const ready_key& key, bool backlog) {
  const place at{lot, key.priority};
  const counted change(*this, at);
  line(at).push_back(key, backlog);
}

void ready_set::put_before(place at, ready_line&& from, freed_bodies& freed) {
  if (from.empty()) return;
  const counted change(*this, at);
  line(at).put_before(std::move(from), freed);
}

std::uint8_t ready_set::top(lot_index lot) const {
  CASCADE_ASSERT(lots_[lot]->count > 0);
  return static_cast<std::uint8_t>(lots_[lot]->top());
}

bool ready_set::head_is_hot(lot_index lot) const { return find({lot, top(lot)})->hot_size() > 0; }

bool ready_set::reloading(lot_index lot) const { return find({lot, top(lot)})->reloading(); }

ready_key ready_set::pop(lot_index lot) {
  const place at{lot, top(lot)};
  const counted change(*this, at);
  lots_[lot]->served = ++clock_;
  return line(at).pop();
}

std::size_t ready_set::reprioritize(const key_match& which, std::uint8_t priority,
                                    freed_bodies& freed) {
  std::size_t moved = 0;
  for (lot_index i = 0; i < lots_.size(); ++i) {
    ready_line changed;
    for (int p = 0; p <= lots_[i]->top(); ++p) {
      const place at{i, static_cast<std::uint8_t>(p)};
      if (p == priority || find(at) == nullptr) continue;
      const counted change(*this, at);
      changed.put_after(line(at).extract(which), priority, freed);
    }
    if (changed.empty()) continue;
    moved += changed.size();
    const place to{i, priority};
    const counted change(*this, to);
    line(to).put_after(std::move(changed), priority, freed);
  }
  return moved;
}

std::size_t ready_set::remove(const key_match& which, freed_bodies& freed) {
  std::size_t removed = 0;
  for (lot_index i = 0; i < lots_.size(); ++i)
    for (int p = 0; p <= lots_[i]->top(); ++p) {
      const place at{i, static_cast<std::uint8_t>(p)};
      if (find(at) == nullptr) continue;
      const counted change(*this, at);
      const ready_line gone = line(at).extract(which);
      gone.for_each_hot([&freed](const ready_key& k) { freed.push_back(k.body); });
      removed += gone.size();
    }
  return removed;
}

void ready_set::end_backlog() {
  for (const auto& lot : lots_)
    for (const auto& line : lot->lines)
      if (line) line->end_backlog();
}

std::size_t ready_set::spill_line(place at, std::size_t count, freed_bodies& freed) {
  const counted change(*this, at);
  return line(at).spill(count, freed);
}

bool ready_set::runs_low(lot_index lot, std::size_t count) const {
  if (lots_[lot]->count == 0) return false;
  const ready_line& l = *find({lot, top(lot)});
  return l.has_cold() && !l.reloading() && l.hot_size() < count;
}

std::optional<ready_set::standing> ready_set::find_task(task_id id) const {
  for (lot_index i = 0; i < lots_.size(); ++i)
    for (int p = lots_[i]->top(); p >= 0; --p) {
      const place at{i, static_cast<std::uint8_t>(p)};
      const ready_line* l = find(at);
      if (l == nullptr) continue;
      if (const auto found = l->find(id)) return standing{at, found->first.job, found->second};
    }
  return std::nullopt;
}

void ready_set::abandon_reloads() {
  for (const auto& lot : lots_)
    for (const auto& line : lot->lines)
      if (line) line->abandon_reload();
}

std::size_t ready_set::bytes() const noexcept {
  std::size_t total = 0;
  for (const auto& lot : lots_)
    for (const auto& line : lot->lines)
      if (line) total += line->bytes();
  return total;
}

}  // namespace cascade
