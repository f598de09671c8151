#include "triggers/schedule_plan.hpp"

#include <algorithm>

namespace cascade {

schedule_plan plan_ticks(const schedule_rule& rule, instant handled, instant now, catch_up policy,
                         std::size_t most, std::chrono::microseconds grace) {
  schedule_plan out;
  out.next = rule.next(handled);
  if (!out.next || *out.next > now) return out;
  out.next = rule.next(now);

  // From the newest back, so that what is long ago is only counted.
  std::size_t overdue_max = policy == catch_up::skip ? 0 : policy == catch_up::last ? 1 : most;
  auto tick = rule.last(now);
  while (tick && *tick > handled && out.fire.size() < missed_max) {
    if (now - *tick > grace && overdue_max-- == 0) break;
    out.fire.push_back(*tick);
    tick = rule.last(*tick - std::chrono::microseconds{1});
  }
  std::ranges::reverse(out.fire);
  const instant begin = out.fire.empty() ? now : out.fire.front() - std::chrono::microseconds{1};
  out.missed = std::min(rule.count(handled, begin), missed_max);
  return out;
}

std::chrono::microseconds tick_jitter(std::string_view schedule, instant tick,
                                      std::chrono::microseconds most) {
  if (most.count() <= 0) return {};
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits
  const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
  for (const char c : schedule) add(static_cast<unsigned char>(c));
  auto left = static_cast<std::uint64_t>(tick.time_since_epoch().count());
  for (int i = 0; i < 8; ++i, left >>= 8) add(static_cast<unsigned char>(left & 0xff));
  // The low bits of FNV-1a mix poorly over inputs this alike: the finisher of splitmix64.
  hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
  hash ^= hash >> 31;
  return std::chrono::microseconds(
      static_cast<std::int64_t>(hash % (static_cast<std::uint64_t>(most.count()) + 1)));
}

}  // namespace cascade
