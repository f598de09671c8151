// triggers/cron_clock.hpp
//
// A cron pattern on the clock of a time zone: at which instants it fires.
//
// Rule     a fixed time fires at the first instant at which the clock has reached it: so once, of
//          a gap right at its end, and the first time when an hour comes twice. A day that the
//          clock jumps over as a whole has no tick. A repeating pattern (cron_pattern::repeats)
//          fires whenever the clock shows a matching time.
// Cost     two to four lookups in the zone's transitions (binary search, about 50 ns each) and a
//          search in the pattern; one more lookup for each transition up to the tick that is found.
// Limits   a zone's clock is within 26 hours of UTC, the most that zone files allow.
// Thread   immutable; any. The zone outlives it: zones are never unloaded.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "triggers/cron_pattern.hpp"

namespace date {
class time_zone;
}

namespace cascade {

class cron_clock {
public:
  // No zone: UTC.
  cron_clock(const cron_pattern& pattern, const date::time_zone* zone)
      : pattern_(pattern), zone_(zone) {}

  // The first tick in [from, limit).
  std::optional<std::chrono::sys_seconds> next(std::chrono::sys_seconds from,
                                               std::chrono::sys_seconds limit) const;
  // The last tick in [limit, until].
  std::optional<std::chrono::sys_seconds> last(std::chrono::sys_seconds until,
                                               std::chrono::sys_seconds limit) const;
  // How many ticks are in [from, until]; O(transitions + months), not O(ticks).
  std::uint64_t count(std::chrono::sys_seconds from, std::chrono::sys_seconds until) const;

private:
  // Between two transitions.
  struct stretch {
    std::chrono::sys_seconds begin, end;
    std::chrono::seconds offset;

    std::chrono::local_seconds shown(std::chrono::sys_seconds t) const {
      return std::chrono::local_seconds(t.time_since_epoch() + offset);
    }
    std::chrono::sys_seconds when(std::chrono::local_seconds l) const {
      return std::chrono::sys_seconds(l.time_since_epoch() - offset);
    }
  };
  struct moment {
    std::chrono::sys_seconds at;
    std::chrono::local_seconds shown;
  };

  stretch at(std::chrono::sys_seconds t) const;
  std::chrono::local_seconds reached(std::chrono::sys_seconds t) const;
  moment reaching(std::chrono::local_seconds l) const;
  bool jumped_over(std::chrono::local_days day) const;

  std::optional<std::chrono::sys_seconds> next_fixed(std::chrono::sys_seconds from,
                                                     std::chrono::sys_seconds limit) const;
  std::optional<std::chrono::sys_seconds> next_repeated(std::chrono::sys_seconds from,
                                                        std::chrono::sys_seconds limit) const;
  std::optional<std::chrono::sys_seconds> last_fixed(std::chrono::sys_seconds until,
                                                     std::chrono::sys_seconds limit) const;
  std::optional<std::chrono::sys_seconds> last_repeated(std::chrono::sys_seconds until,
                                                        std::chrono::sys_seconds limit) const;

  cron_pattern pattern_;
  const date::time_zone* zone_;
};

}  // namespace cascade
