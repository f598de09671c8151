// triggers/ready_band.hpp
//
// The ready tasks of one lot and one priority: a line for each tenant, and one for tasks without a
// tenant. The lines take turns by their weights (triggers/fair_share.hpp).
//
// Owner    the ready set.
// Order    first in, first out within a line. A line whose head must be fetched first loses no turn:
//          others go on, it is the next one when its head is here.
// Debts    a tenant that leaves the band after its turn and comes back waits for that turn; it is
//          remembered for as long.
// Cost     O(log tenants); with no tenant about, the line is all there is.
// Limits   about 1 kB a tenant with ready tasks, 100 bytes one with a debt.
#pragma once

#include <memory>
#include <set>
#include <string_view>
#include <unordered_map>

#include "triggers/fair_share.hpp"
#include "triggers/ready_line.hpp"

namespace cascade {

using tenant_index = std::uint32_t;

// The index of a name: its hash, above `shared_tenants`; 0 for no name. Two tenants of a queue with
// the same one, of ten thousand in a hundredth of all cases, share their turns.
inline constexpr tenant_index shared_tenants = 1'024;
tenant_index tenant_of(std::string_view name);

using tenant_strides = std::unordered_map<std::uint32_t, fair_time>;  // of those with a weight

class ready_band {
public:
  const ready_line* find(tenant_index t) const;
  // Does something to a line, made when absent; the order follows, an empty line goes.
  template <class F>
  void change(tenant_index t, F&& fn) {
    line_turns& l = take_out(t);
    subtract(*l.line);
    fn(*l.line);
    put_back(t, l);
  }

  // Whose turn it is. Requires a key.
  tenant_index head() const;
  const ready_line& head_line() const { return *find(head()); }
  // Requires a hot key.
  ready_key pop(const tenant_strides& strides);

  // In the order of their turns.
  std::vector<tenant_index> in_turn() const;
  template <class F>
  void for_each(F&& fn) const {
    if (plain_.line) fn(tenant_index{0}, *plain_.line);
    for (const auto& [t, l] : others_)
      if (l.line) fn(t, *l.line);
  }
  std::vector<tenant_index> tenants() const;
  // How many keys of the band go before the one that has `before` others of its line before it.
  std::size_t ahead_of(tenant_index t, std::size_t before, const tenant_strides& strides) const;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  std::size_t hot_size() const noexcept { return hot_size_; }
  std::size_t loading_size() const noexcept { return loading_size_; }
  std::size_t lines() const noexcept { return (plain_.line ? 1u : 0u) + others_.size(); }
  std::size_t bytes() const noexcept;

private:
  enum class place : std::uint8_t { none, hot, cold, debt };
  struct line_turns {
    std::unique_ptr<ready_line> line;
    fair_share share;
    place in = place::none;
  };
  struct order {
    fair_time start;
    std::uint64_t served;
    tenant_index tenant;
    auto operator<=>(const order&) const = default;
  };

  std::set<order>& set_of(place p) {
    return p == place::hot ? hot_ : p == place::cold ? cold_ : debts_;
  }
  line_turns& turns(tenant_index t) { return t == 0 ? plain_ : others_[t]; }
  const line_turns& turns(tenant_index t) const { return t == 0 ? plain_ : others_.at(t); }
  void arrange(tenant_index t, line_turns& l, place to);
  line_turns& take_out(tenant_index t);
  void put_back(tenant_index t, line_turns& l);
  void subtract(const ready_line& l);
  void add(const ready_line& l);
  static fair_time stride(tenant_index t, const tenant_strides& strides);

  fair_time now_ = 0;
  std::uint64_t served_ = 0;
  std::size_t size_ = 0, hot_size_ = 0, loading_size_ = 0;
  bool shared_ = false;  // tenants were here: the sets say whose turn it is
  line_turns plain_;
  std::unordered_map<tenant_index, line_turns> others_;
  std::set<order> hot_, cold_, debts_;  // heads that are here, that are not, and empty lines
};

}  // namespace cascade
