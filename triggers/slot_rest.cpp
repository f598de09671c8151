#include "triggers/slot_rest.hpp"

#include <algorithm>

namespace cascade {

void slot_rest::push(const group_name& name, ready_set::lot_index lot, std::uint8_t priority,
                     const cold_key& key) {
  group& g = groups_[name];
  g.lot = lot;
  g.lines[priority].push_back(key);
  ++size_;
  ++in_[name.queue];
  changed_.insert(name);
}

std::optional<std::uint8_t> slot_rest::top(const group_name& name) const {
  const auto at = groups_.find(name);
  if (at == groups_.end()) return std::nullopt;
  const group& g = at->second;
  int best = g.fetching.empty() ? -1 : g.fetched;
  if (!g.lines.empty()) best = std::max(best, g.lines.begin()->first);
  return static_cast<std::uint8_t>(best);
}

void slot_rest::look_at(const group_name& name) {
  if (groups_.contains(name)) changed_.insert(name);
}

void slot_rest::look_at_all() {
  for (const auto& [name, g] : groups_) changed_.insert(name);
}

void slot_rest::abandon_fetches() {
  for (auto& [name, g] : groups_) {
    if (!g.fetching.empty()) g.lines[g.fetched].push_front(std::exchange(g.fetching, {}));
    g.ticket = 0;
  }
  look_at_all();
}

std::size_t slot_rest::remove(const key_match& which) {
  std::size_t removed = 0;
  for (auto at = groups_.begin(); at != groups_.end();) {
    auto& [name, g] = *at;
    std::size_t n =
        std::erase_if(g.fetching, [&](const cold_key& k) { return which(k.id, k.job); });
    for (auto line = g.lines.begin(); line != g.lines.end();) {
      n += line->second.extract(which).size();
      line = line->second.empty() ? g.lines.erase(line) : std::next(line);
    }
    if (n > 0) {
      count_out(name, n);
      changed_.insert(name);
      removed += n;
    }
    at = g.lines.empty() && g.fetching.empty() ? groups_.erase(at) : std::next(at);
  }
  return removed;
}

void slot_rest::reprioritize(const priority_changes& changes) {
  for (auto& [name, g] : groups_) {
    std::map<int, cold_run> moved;
    std::erase_if(g.fetching, [&](const cold_key& k) {
      const auto to = changes.of(k.id, k.job);
      if (!to || *to == g.fetched) return false;
      moved[*to].push_back(k);
      return true;
    });
    for (auto line = g.lines.begin(); line != g.lines.end();) {
      const auto here = static_cast<std::uint8_t>(line->first);
      for (auto& [to, keys] : line->second.extract(changes, here))
        moved[to].append(std::move(keys));
      line = line->second.empty() ? g.lines.erase(line) : std::next(line);
    }
    if (!moved.empty()) changed_.insert(name);
    for (auto& [to, keys] : moved) g.lines[to].append(std::move(keys));
  }
}

std::optional<slot_rest::found> slot_rest::find(task_id id) const {
  for (const auto& [name, g] : groups_) {
    found out{name, g.lot, {}, static_cast<std::uint8_t>(g.fetched), 0};
    if (const auto at = std::ranges::find(g.fetching, id, &cold_key::id); at != g.fetching.end()) {
      out.key = *at;
      out.before = static_cast<std::size_t>(at - g.fetching.begin());
      return out;
    }
    out.before = g.fetching.size();
    for (const auto& [priority, line] : g.lines) {
      if (const auto at = line.find(id)) {
        out.key = at->first;
        out.priority = static_cast<std::uint8_t>(priority);
        out.before += at->second;
        return out;
      }
      out.before += line.size();
    }
  }
  return std::nullopt;
}

std::size_t slot_rest::size(const std::string& queue) const {
  const auto at = in_.find(queue);
  return at == in_.end() ? 0 : at->second;
}

void slot_rest::count_out(const group_name& name, std::size_t n) {
  size_ -= n;
  const auto at = in_.find(name.queue);
  if (at != in_.end() && (at->second -= n) == 0) in_.erase(at);
}

}  // namespace cascade
