#include "triggers/ready_band.hpp"

#include "state/assert.hpp"

namespace cascade {

tenant_index tenant_of(std::string_view name) {
  if (name.empty()) return 0;
  std::uint64_t hash = 14'695'981'039'346'656'037u;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
  const auto folded = static_cast<tenant_index>(hash ^ (hash >> 32));
  return folded <= shared_tenants ? folded + shared_tenants + 1 : folded;
}

const ready_line* ready_band::find(tenant_index t) const {
  if (t == 0) return plain_.line.get();
  const auto at = others_.find(t);
  return at == others_.end() ? nullptr : at->second.line.get();
}

void ready_band::arrange(tenant_index t, line_turns& l, place to) {
  if (l.in != place::none) set_of(l.in).erase({l.share.start, l.share.served, t});
  l.in = to;
  if (to != place::none) set_of(to).insert({l.share.start, l.share.served, t});
}

ready_band::line_turns& ready_band::take_out(tenant_index t) {
  if (t != 0 && !shared_) {
    shared_ = true;
    if (plain_.line) arrange(0, plain_, plain_.line->hot_size() > 0 ? place::hot : place::cold);
  }
  line_turns& l = turns(t);
  if (shared_) arrange(t, l, place::none);
  if (!l.line) {
    l.line = std::make_unique<ready_line>();
    l.share.start = std::max(l.share.start, now_);
  }
  return l;
}

void ready_band::put_back(tenant_index t, line_turns& l) {
  add(*l.line);
  if (l.line->empty()) {
    l.line.reset();  // an empty one keeps half a kilobyte
    if (!shared_) return;
    if (l.share.start > now_)
      arrange(t, l, place::debt);
    else if (t != 0)
      others_.erase(t);
  } else if (shared_) {
    arrange(t, l, l.line->hot_size() > 0 ? place::hot : place::cold);
  }
}

// Unsigned differences wrap around and come out right.
void ready_band::subtract(const ready_line& l) {
  size_ -= l.size();
  hot_size_ -= l.hot_size();
  loading_size_ -= l.loading_size();
}

void ready_band::add(const ready_line& l) {
  size_ += l.size();
  hot_size_ += l.hot_size();
  loading_size_ += l.loading_size();
}

fair_time ready_band::stride(tenant_index t, const tenant_strides& strides) {
  if (strides.empty()) return fair_turn;
  const auto at = strides.find(t);
  return at == strides.end() ? fair_turn : at->second;
}

tenant_index ready_band::head() const {
  if (!shared_) return 0;
  if (hot_.empty()) return cold_.begin()->tenant;
  if (cold_.empty()) return hot_.begin()->tenant;
  return std::min(*hot_.begin(), *cold_.begin()).tenant;
}

ready_key ready_band::pop(const tenant_strides& strides) {
  if (!shared_) {
    --size_;
    --hot_size_;
    const ready_key key = plain_.line->pop();
    if (plain_.line->empty()) plain_.line.reset();
    return key;
  }
  CASCADE_ASSERT(!hot_.empty());
  const tenant_index t = hot_.begin()->tenant;
  ready_key key;
  line_turns& l = take_out(t);
  subtract(*l.line);
  now_ = std::max(now_, l.share.start);
  l.share = {now_ + stride(t, strides), ++served_};
  key = l.line->pop();
  put_back(t, l);
  while (!debts_.empty() && debts_.begin()->start <= now_) {
    const tenant_index paid = debts_.begin()->tenant;
    arrange(paid, turns(paid), place::none);
    if (paid != 0) others_.erase(paid);
  }
  return key;
}

std::vector<tenant_index> ready_band::in_turn() const {
  if (!shared_) return {0};
  std::vector<tenant_index> out;
  auto hot = hot_.begin();
  auto cold = cold_.begin();
  while (hot != hot_.end() || cold != cold_.end()) {
    const bool first = cold == cold_.end() || (hot != hot_.end() && *hot < *cold);
    out.push_back((first ? hot++ : cold++)->tenant);
  }
  return out;
}

std::vector<tenant_index> ready_band::tenants() const {
  std::vector<tenant_index> out;
  for_each([&out](tenant_index t, const ready_line&) { out.push_back(t); });
  return out;
}

std::size_t ready_band::ahead_of(tenant_index t, std::size_t before,
                                 const tenant_strides& strides) const {
  std::size_t n = before;
  if (!shared_) return n;
  const fair_share& mine = turns(t).share;
  for_each([&](tenant_index other, const ready_line& line) {
    if (other == t) return;
    n += turns(other).share.turns_before(stride(other, strides), line.size(), mine,
                                         stride(t, strides), before);
  });
  return n;
}

std::size_t ready_band::bytes() const noexcept {
  std::size_t total = 0;
  for_each([&total](tenant_index, const ready_line& l) { total += l.bytes(); });
  return total;
}

}  // namespace cascade
