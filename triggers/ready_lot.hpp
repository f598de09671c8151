// triggers/ready_lot.hpp
//
// The ready tasks of one queue and one class of handlers: a band for each priority. Private to the
// ready set.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <string>

#include "triggers/ready_band.hpp"

namespace cascade {

enum class handler_class : std::uint8_t {
  quick,
  slot
};  // runs in a worker actor at once, or occupies a worker
inline constexpr std::size_t handler_class_count = 2;

struct ready_lot {
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::size_t priorities = limits::priority_max + 1;

  std::string queue;
  handler_class kind = handler_class::quick;
  fair_time stride = fair_turn;
  tenant_strides tenants;
  std::size_t count = 0;
  std::size_t hot = 0;
  std::array<std::uint64_t, 2> occupied{};
  std::array<std::unique_ptr<ready_band>, priorities> bands;
  std::array<fair_share, priorities> shares;
  // By priority, once ageing was set: since when the band waits.
  std::vector<time_point> waiting_since;

  // The highest priority with a key, -1 when empty.
  int top() const noexcept {
    if (occupied[1] != 0) return 127 - std::countl_zero(occupied[1]);
    if (occupied[0] != 0) return 63 - std::countl_zero(occupied[0]);
    return -1;
  }
  void mark(std::uint8_t priority, bool any) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << (priority % 64);
    auto& bits = occupied[priority / 64];
    bits = any ? bits | bit : bits & ~bit;
  }
};

}  // namespace cascade
