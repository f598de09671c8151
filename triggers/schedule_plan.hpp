// triggers/schedule_plan.hpp
//
// Which ticks of a schedule are to fire now, and when to look again. Pure.
//
// Cost     one next when nothing is due; otherwise a search for each tick that fires, and a count
//          of the others in some 20 us for ten years, whatever their number.
// Limits   at most missed_max ticks fire in one plan, the latest ones; others count as missed.
// Tests    tests/unit/schedule_plan_test.cpp
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "triggers/schedule_rule.hpp"

namespace cascade {

// What becomes of the ticks that passed while nobody was there to fire them.
enum class catch_up : std::uint8_t {
  skip,  // none fires
  last,  // the latest one
  all    // the latest `most`, in order
};

struct schedule_plan {
  std::vector<instant> fire;    // in order
  std::uint64_t missed = 0;     // passed, and not to be made up for; counted up to missed_max
  std::optional<instant> next;  // the first tick that is not due yet
};
inline constexpr std::uint64_t missed_max = 100'000;

// The ticks after `handled` (the last one fired, or when the schedule was made), up to `now`. A
// tick that is late by no more than `grace` is not missed: it fires whatever the policy is, and besides
// those that are made up for. A `now` before `handled` fires nothing.
schedule_plan plan_ticks(const schedule_rule& rule, instant handled, instant now, catch_up policy,
                         std::size_t most, std::chrono::microseconds grace);

// How long after its tick a schedule fires: from 0 to `most`, always the same for the same name and
// tick. FNV-1a over both with the finisher of splitmix64; another hash would move the fires of
// running installations.
std::chrono::microseconds tick_jitter(std::string_view schedule, instant tick,
                                      std::chrono::microseconds most);

}  // namespace cascade
