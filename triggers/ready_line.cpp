#include "triggers/ready_line.hpp"

#include <algorithm>
#include <utility>

#include "state/assert.hpp"

namespace cascade {
namespace {

cold_key cold(const ready_key& k) { return {k.id, k.job, k.flags}; }

}  // namespace

const std::vector<cold_key>& ready_line::none() {
  static const std::vector<cold_key> empty;
  return empty;
}

bool ready_line::takes_hot(bool backlog) const noexcept {
  if (in_backlog_ && !backlog && !empty()) return false;
  return loading_.empty() && cold_.empty() && late_.empty();
}

void ready_line::push_back(const ready_key& key, bool backlog) {
  if (key.body != 0) {
    CASCADE_ASSERT(takes_hot(backlog));
    hot_.push_back(key);
  } else {
    (in_backlog_ && !backlog ? late_ : cold_).push_back(cold(key));
  }
  in_backlog_ |= backlog;
}

void ready_line::end_backlog() {
  in_backlog_ = false;
  cold_.append(std::move(late_));
}

void ready_line::put_before(ready_line&& other, freed_bodies& freed) {
  if (!hot_.empty() && (other.reloading() || other.has_cold())) {
    abandon_reload();
    spill(hot_.size(), freed);
  }
  other.abandon_reload();
  other.end_backlog();
  if (!other.cold_.empty()) {
    abandon_reload();
    cold_.prepend(std::move(other.cold_));
  }
  hot_.insert(hot_.begin(), other.hot_.begin(), other.hot_.end());
  other.hot_.clear();
}

ready_key ready_line::pop() {
  CASCADE_ASSERT(!hot_.empty());
  const ready_key key = hot_.front();
  hot_.pop_front();
  return key;
}

std::size_t ready_line::spill(std::size_t count, freed_bodies& freed) {
  if (reloading()) return 0;
  count = std::min(count, hot_.size());
  std::vector<cold_key> keys;
  keys.reserve(count);
  const auto first = hot_.end() - static_cast<std::ptrdiff_t>(count);
  for (auto at = first; at != hot_.end(); ++at) {
    keys.push_back(cold(*at));
    freed.push_back(at->body);
  }
  hot_.erase(first, hot_.end());
  cold_.push_front(keys);
  return count;
}

void ready_line::abandon_reload() { cold_.push_front(std::exchange(loading_, {})); }

ready_line ready_line::extract(const key_match& which) {
  ready_line out;
  const auto hot_gone = std::stable_partition(
      hot_.begin(), hot_.end(), [&](const ready_key& k) { return !which(k.id, k.job); });
  out.hot_.assign(hot_gone, hot_.end());
  hot_.erase(hot_gone, hot_.end());
  const auto gone = std::stable_partition(loading_.begin(), loading_.end(),
                                          [&](const cold_key& k) { return !which(k.id, k.job); });
  out.cold_.push_front(std::span(gone, loading_.end()));
  loading_.erase(gone, loading_.end());
  out.cold_.append(cold_.extract(which));
  out.cold_.append(late_.extract(which));
  return out;
}

std::map<std::uint8_t, ready_line> ready_line::extract(const priority_changes& changes,
                                                       std::uint8_t here) {
  std::map<std::uint8_t, ready_line> out;
  const auto goes = [&](const auto& k) {
    const auto to = changes.of(k.id, k.job);
    return to && *to != here ? to : std::nullopt;
  };
  std::erase_if(hot_, [&](const ready_key& k) {
    const auto to = goes(k);
    if (to) out[*to].hot_.push_back(k);
    return to.has_value();
  });
  std::erase_if(loading_, [&](const cold_key& k) {
    const auto to = goes(k);
    if (to) out[*to].cold_.push_back(k);
    return to.has_value();
  });
  for (cold_run* run : {&cold_, &late_})
    for (auto& [to, keys] : run->extract(changes, here)) out[to].cold_.append(std::move(keys));
  return out;
}

void ready_line::put_after(ready_line&& other, std::uint8_t priority, freed_bodies& freed) {
  for (ready_key key : std::exchange(other.hot_, {})) {
    key.priority = priority;
    if (!takes_hot()) freed.push_back(std::exchange(key.body, 0));
    push_back(key);
  }
  other.abandon_reload();
  other.end_backlog();
  (in_backlog_ ? late_ : cold_).append(std::move(other.cold_));
}

std::optional<std::pair<cold_key, std::size_t>> ready_line::find(task_id id) const {
  if (const auto at = std::ranges::find(hot_, id, &ready_key::id); at != hot_.end())
    return std::pair{cold(*at), static_cast<std::size_t>(at - hot_.begin())};
  std::size_t before = hot_.size();
  if (const auto at = std::ranges::find(loading_, id, &cold_key::id); at != loading_.end())
    return std::pair{*at, before + static_cast<std::size_t>(at - loading_.begin())};
  before += loading_.size();
  for (const cold_run* run : {&cold_, &late_}) {
    if (const auto at = run->find(id)) return std::pair{at->first, before + at->second};
    before += run->size();
  }
  return std::nullopt;
}

std::size_t ready_line::bytes() const noexcept {
  return hot_.size() * sizeof(ready_key) + loading_.size() * sizeof(cold_key) + cold_.bytes() +
         late_.bytes();
}

}  // namespace cascade
