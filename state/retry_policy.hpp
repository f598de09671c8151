// state/retry_policy.hpp
//
// How long to wait before the next attempt. Pure: the caller brings the random number.
//
// Stored   in cascade.task.retry as {"kind", "base", "factor", "cap", "jitter"}; anybody may insert
//          a task with any object there, so a reader must be ready for a problem text (and then use
//          the default policy).
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "state/expected.hpp"

namespace cascade {

enum class retry_kind : std::uint8_t { exponential, linear, fixed };

struct retry_policy {
  retry_kind kind = retry_kind::exponential;
  std::chrono::milliseconds base{1'000};  // before the second attempt
  double factor = 2.0;  // exponential: base * factor^(n-1); linear and fixed ignore it
  std::chrono::milliseconds cap{600'000};  // never longer than this
  double jitter = 1.0;                     // share of the delay that is random: 0 none, 1 full

  friend bool operator==(const retry_policy&, const retry_policy&) = default;
};

// The delay after attempt number `attempt` (from 1; anything below counts as 1) has failed.
// `random01` in [0, 1); values outside are clamped. Always within [0, policy.cap].
std::chrono::milliseconds next_delay(const retry_policy& policy, int attempt,
                                     double random01) noexcept;

struct retry_problem {
  std::string key;      // the offending member, or empty
  std::string message;  // "must be ..."
  std::string hint;
};

// Missing members take their defaults; unknown ones are refused. A base above the cap is refused.
expected<retry_policy, retry_problem> parse_retry_policy(const nlohmann::json& value);
// All that is wrong with it; parse_retry_policy tells the first.
std::vector<retry_problem> retry_problems(const nlohmann::json& value);
nlohmann::json to_json(const retry_policy& policy);

}  // namespace cascade
