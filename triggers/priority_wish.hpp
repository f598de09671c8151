// triggers/priority_wish.hpp
//
// What is wished for one task or job: changes that have not been applied, as few as say the same.
// Changes count in the order of their ids, in whichever order they are added.
//
// Kept     the last change that sets, and of those behind it that raise, each that is higher than all
//          later ones. What is not kept has no effect, whatever is added later.
// Cost     O(raises kept), of which there are at most a hundred.
// Tests    tests/property/priority_plan_test.cpp
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace cascade {

class priority_wish {
public:
  struct part {
    std::int64_t id = 0;  // of the change
    std::uint8_t priority = 0;
  };

  // Calls dropped(id) for each change that has no effect any more, this one included.
  template <class F>
  void add(part change, bool raises, F&& dropped) {
    if (set_ && change.id < set_->id) return dropped(change.id);
    if (!raises) {
      if (set_) dropped(set_->id);
      set_ = change;
      return forget_raises([&](const part& r) { return r.id < change.id; }, dropped);
    }
    const auto hides = [](const part& late, const part& early) {
      return late.id > early.id && late.priority >= early.priority;
    };
    if (std::ranges::any_of(raises_, [&](const part& r) { return hides(r, change); }))
      return dropped(change.id);
    forget_raises([&](const part& r) { return hides(change, r); }, dropped);
    raises_.push_back(change);
  }
  // Everything before `id` counts no more.
  template <class F>
  void forget_before(std::int64_t id, F&& dropped) {
    if (set_ && set_->id < id) {
      dropped(set_->id);
      set_.reset();
    }
    forget_raises([id](const part& r) { return r.id < id; }, dropped);
  }

  bool empty() const noexcept { return !set_ && raises_.empty(); }
  std::int64_t last() const noexcept {
    std::int64_t id = set_ ? set_->id : 0;
    for (const part& r : raises_) id = std::max(id, r.id);
    return id;
  }
  // What becomes of `now`.
  std::uint8_t of(std::uint8_t now) const noexcept {
    std::uint8_t out = set_ ? set_->priority : now;
    for (const part& r : raises_) out = std::max(out, r.priority);
    return out;
  }
  template <class F>
  void for_each_id(F&& fn) const {
    if (set_) fn(set_->id);
    for (const part& r : raises_) fn(r.id);
  }

private:
  template <class P, class F>
  void forget_raises(P goes, F& dropped) {
    std::erase_if(raises_, [&](const part& r) {
      if (!goes(r)) return false;
      dropped(r.id);
      return true;
    });
  }

  std::optional<part> set_;
  std::vector<part> raises_;
};

}  // namespace cascade
