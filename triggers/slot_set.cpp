#include "triggers/slot_set.hpp"

#include <algorithm>
#include <limits>

#include "state/assert.hpp"

namespace cascade {

slot_set::ranked slot_set::rank(group& g) {
  if (g.round_robin) return {0, g.turn, &g};
  const waiting_task& first = g.heap.front();
  return {-static_cast<int>(first.what.key.priority), first.number, &g};
}

int slot_set::limit(const slot_name& name) const {
  if (name.kind == slot_kind::key) {
    const auto at = key_limits_.find(name.queue);
    return at == key_limits_.end() ? 1 : at->second;
  }
  const auto at = limits_.find(name);
  return at == limits_.end() ? 0 : at->second;
}

void slot_set::set_limit(const slot_name& name, int most) {
  auto& kind = kinds_[static_cast<std::size_t>(name.kind)];
  if (most > 0)
    kind += limits_.insert_or_assign(name, most).second ? 1 : 0;
  else
    kind -= limits_.erase(name);
  const auto at = slots_.find(name);
  if (at == slots_.end()) return;
  change(at->second, [&](slot& s) { s.most = most > 0 ? most : std::numeric_limits<int>::max(); });
}

void slot_set::set_key_limit(const std::string& queue, int most) {
  const auto [at, made] = key_limits_.try_emplace(queue, 1);
  if (std::exchange(at->second, most) == most) return;
  for (auto& [name, s] : slots_)
    if (name.kind == slot_kind::key && name.queue == queue)
      change(s, [most](slot& x) { x.most = most; });
}

void slot_set::set_round_robin(const std::string& queue, bool yes) {
  if (yes == round_robin_.contains(queue)) return;
  if (yes)
    round_robin_.insert(queue);
  else
    round_robin_.erase(queue);
  for (auto& [key, g] : groups_) {
    if (g.queue != queue) continue;
    slot& s = *g.at;
    unwatch(g);
    g.round_robin = yes;
    g.turn = ++numbers_;
    watch(g, s);
  }
}

slot_set::slot& slot_set::slot_of(const slot_name& name) {
  const auto [at, made] = slots_.try_emplace(name);
  if (made) {
    const int most = limit(name);
    at->second.most = most > 0 ? most : std::numeric_limits<int>::max();
  }
  return at->second;
}

slot_set::slot* slot_set::full_one(const slot_names& needs) {
  for (const slot_name& n : needs)
    if (slot& s = slot_of(n); !s.free()) return &s;
  return nullptr;
}

void slot_set::show(slot& s, bool in) {
  if (!s.free()) return;
  for (const auto& [lot, ranks] : s.watchers) {
    auto& open = open_[lot];
    if (in)
      open.insert(*ranks.begin());
    else
      open.erase(*ranks.begin());
    if (open.empty()) open_.erase(lot);
  }
}

void slot_set::forget(const slot_name& name) {
  const auto at = slots_.find(name);
  if (at == slots_.end() || at->second.held > 0 || !at->second.watchers.empty()) return;
  slots_.erase(at);
}

void slot_set::watch(group& g, slot& s) {
  change(s, [&](slot& x) { x.watchers[g.lot()].insert(rank(g)); });
  g.at = &s;
}

void slot_set::unwatch(group& g) {
  change(*g.at, [&](slot& x) {
    const auto at = x.watchers.find(g.lot());
    at->second.erase(rank(g));
    if (at->second.empty()) x.watchers.erase(at);
  });
  g.at = nullptr;
}

template <class F>
void slot_set::change(groups::iterator at, F&& fn) {
  group& g = at->second;
  slot* watched = g.at;
  if (watched != nullptr) unwatch(g);
  const std::size_t before = g.heap.size();
  fn(g);
  parked_ += g.heap.size() - before;
  auto& in = parked_in_[g.queue];
  in += g.heap.size() - before;
  if (in == 0) parked_in_.erase(g.queue);
  if (!g.heap.empty()) {
    slot* full = full_one(g.needs);
    return watch(g, full != nullptr ? *full : watched != nullptr ? *watched : slot_of(g.needs[0]));
  }
  const slot_names needs = std::move(g.needs);
  groups_.erase(at);
  for (const slot_name& n : needs) forget(n);
}

bool slot_set::available(const slot_names& needs) const {
  return std::ranges::all_of(needs, [this](const slot_name& n) {
    const auto at = slots_.find(n);
    return at == slots_.end() || (at->second.free() && at->second.watchers.empty());
  });
}

bool slot_set::take(const slot_names& needs) {
  if (!available(needs)) return false;
  for (const slot_name& n : needs) hold(n);
  return true;
}

void slot_set::hold(const slot_name& name) {
  change(slot_of(name), [](slot& s) { ++s.held; });
}

void slot_set::give_back(const slot_names& held) {
  for (const slot_name& n : held) {
    const auto at = slots_.find(n);
    CASCADE_ASSERT(at != slots_.end() && at->second.held > 0);
    change(at->second, [](slot& s) { --s.held; });
    forget(n);
  }
}

void slot_set::park(const std::string& queue, slot_names needs, const delayed_key& task) {
  const auto [at, made] = groups_.try_emplace({queue, needs});
  if (made) {
    at->second.needs = std::move(needs);
    at->second.queue = queue;
    at->second.round_robin = round_robin_.contains(queue);
    at->second.turn = ++numbers_;
  }
  change(at, [&](group& g) {
    g.heap.push_back({task, ++numbers_});
    std::push_heap(g.heap.begin(), g.heap.end());
  });
}

std::optional<std::uint8_t> slot_set::top(lot_index lot) {
  for (;;) {
    const auto at = open_.find(lot);
    if (at == open_.end()) return std::nullopt;
    group& g = *at->second.begin()->of;
    slot* full = full_one(g.needs);
    if (full == nullptr) return g.heap.front().what.key.priority;
    unwatch(g);
    watch(g, *full);
  }
}

slot_set::started slot_set::pop(lot_index lot) {
  group& g = *open_.at(lot).begin()->of;
  started out{g.needs, g.heap.front().what};
  for (const slot_name& n : out.held) hold(n);
  change(groups_.find({g.queue, g.needs}), [&](group& x) {
    std::pop_heap(x.heap.begin(), x.heap.end());
    x.heap.pop_back();
    x.turn = ++numbers_;
  });
  return out;
}

int slot_set::held(const slot_name& name) const {
  const auto at = slots_.find(name);
  return at == slots_.end() ? 0 : at->second.held;
}

std::optional<slot_set::waiting> slot_set::find(task_id id) const {
  for (const auto& [key, g] : groups_)
    for (const waiting_task& w : g.heap) {
      if (w.what.key.id != id) continue;
      waiting out{g.needs, w.what, 0};
      for (const waiting_task& other : g.heap) out.before += w < other ? 1 : 0;
      return out;
    }
  return std::nullopt;
}

std::optional<delayed_key> slot_set::remove(task_id id) {
  for (auto at = groups_.begin(); at != groups_.end(); ++at) {
    const auto& heap = at->second.heap;
    const auto w = std::ranges::find(heap, id, [](const auto& x) { return x.what.key.id; });
    if (w == heap.end()) continue;
    const delayed_key out = w->what;
    const auto index = w - heap.begin();
    change(at, [index](group& g) {
      g.heap.erase(g.heap.begin() + index);
      std::make_heap(g.heap.begin(), g.heap.end());
    });
    return out;
  }
  return std::nullopt;
}

std::vector<delayed_key> slot_set::remove(job_id job) {
  std::vector<delayed_key> out;
  for (auto at = groups_.begin(); at != groups_.end();) {
    const auto group_at = at++;  // it may go
    const auto its = [job](const waiting_task& w) { return w.what.key.job == job; };
    if (std::ranges::none_of(group_at->second.heap, its)) continue;
    change(group_at, [&](group& g) {
      std::erase_if(g.heap, [&](const waiting_task& w) {
        if (its(w)) out.push_back(w.what);
        return its(w);
      });
      std::make_heap(g.heap.begin(), g.heap.end());
    });
  }
  return out;
}

std::size_t slot_set::waiting_at(const std::string& queue, const slot_names& needs,
                                 std::uint8_t priority) const {
  const auto at = groups_.find({queue, needs});
  if (at == groups_.end()) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(
      at->second.heap, [&](const waiting_task& w) { return w.what.key.priority >= priority; }));
}

std::vector<delayed_key> slot_set::waiting_for(const slot_name& name) const {
  std::vector<delayed_key> out;
  for (const auto& [key, g] : groups_)
    if (std::ranges::find(g.needs, name) != g.needs.end())
      for (const waiting_task& w : g.heap) out.push_back(w.what);
  return out;
}

void slot_set::reprioritize(const priority_changes& changes) {
  for (auto at = groups_.begin(); at != groups_.end(); ++at)
    change(at, [&](group& g) {
      for (waiting_task& w : g.heap) {
        const auto priority = changes.of(w.what.key.id, w.what.key.job);
        if (!priority || w.what.key.priority == *priority) continue;
        w.what.key.priority = *priority;
        w.number = ++numbers_;
      }
      std::make_heap(g.heap.begin(), g.heap.end());
    });
}

std::size_t slot_set::parked(const std::string& queue) const {
  const auto at = parked_in_.find(queue);
  return at == parked_in_.end() ? 0 : at->second;
}

}  // namespace cascade
