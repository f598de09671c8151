#include "state/retry_policy.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "state/duration.hpp"
#include "state/json_check.hpp"
#include "state/suggest.hpp"

namespace cascade {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 3> kind_names{"exponential", "linear", "fixed"};
constexpr std::array<std::string_view, 5> keys{"kind", "base", "factor", "cap", "jitter"};

std::optional<retry_problem> read_kind(const nlohmann::json& v, retry_policy& out) {
  const std::string text = v.is_string() ? v.get<std::string>() : v.dump();
  for (std::size_t i = 0; i < kind_names.size(); ++i)
    if (v.is_string() && kind_names[i] == text) {
      out.kind = static_cast<retry_kind>(i);
      return std::nullopt;
    }
  return retry_problem{"kind", "must be one of exponential, linear, fixed",
                       suggestion(text, kind_names)};
}

std::optional<retry_problem> read_duration(const char* key, const nlohmann::json& v,
                                           milliseconds& out) {
  const auto parsed = parse_duration(v);
  if (!parsed)
    return retry_problem{key, "is not a duration: " + json_excerpt(v), std::string(duration_hint)};
  out = *parsed;
  return std::nullopt;
}

std::optional<retry_problem> read_member(const std::string& key, const nlohmann::json& v,
                                         retry_policy& out) {
  if (key == "kind") return read_kind(v, out);
  if (key == "base") return read_duration("base", v, out.base);
  if (key == "cap") return read_duration("cap", v, out.cap);
  if (key == "factor") {
    if (!v.is_number() || !(v.get<double>() >= 1.0 && v.get<double>() <= 100.0))
      return retry_problem{key, "must be a number from 1 to 100", ""};
    out.factor = v.get<double>();
    return std::nullopt;
  }
  if (key == "jitter") {
    if (v.is_boolean()) {
      out.jitter = v.get<bool>() ? 1.0 : 0.0;
    } else if (v.is_number() && v.get<double>() >= 0.0 && v.get<double>() <= 1.0) {
      out.jitter = v.get<double>();
    } else {
      return retry_problem{key, "must be true, false or a number from 0 to 1", ""};
    }
    return std::nullopt;
  }
  return retry_problem{key, "is not a key of a retry policy", suggestion(key, keys)};
}

}  // namespace

milliseconds next_delay(const retry_policy& policy, int attempt, double random01) noexcept {
  const double cap =
      static_cast<double>(std::clamp<std::int64_t>(policy.cap.count(), 0, duration_max.count()));
  const double base = static_cast<double>(std::max<std::int64_t>(policy.base.count(), 0));
  const double n = std::max(attempt, 1);
  double delay = base;
  if (policy.kind == retry_kind::linear) delay = base * n;
  if (policy.kind == retry_kind::exponential && base > 0)
    delay = base * std::pow(policy.factor, n - 1);
  if (!(delay <= cap)) delay = cap;  // also infinity
  const double jitter = policy.jitter > 0 ? std::min(policy.jitter, 1.0) : 0.0;
  const double random = random01 > 0 ? std::min(random01, 1.0) : 0.0;
  return milliseconds{static_cast<std::int64_t>(delay * (1.0 - jitter * random))};
}

namespace {

std::vector<retry_problem> read_policy(const nlohmann::json& value, retry_policy& out) {
  if (!value.is_object())
    return {{"", "must be an object", "for example {kind: exponential, base: 1s}"}};
  std::vector<retry_problem> problems;
  for (const auto& [key, member] : value.items())
    if (auto problem = read_member(key, member, out)) problems.push_back(std::move(*problem));
  if (problems.empty() && out.base > out.cap) {
    // Who sets only a long base wants that base, not an error about a default.
    if (value.contains("cap")) return {{"base", "is longer than \"cap\"", ""}};
    out.cap = out.base;
  }
  return problems;
}

}  // namespace

expected<retry_policy, retry_problem> parse_retry_policy(const nlohmann::json& value) {
  retry_policy out;
  auto problems = read_policy(value, out);
  if (!problems.empty()) return std::move(problems.front());
  return out;
}

std::vector<retry_problem> retry_problems(const nlohmann::json& value) {
  retry_policy unused;
  return read_policy(value, unused);
}

nlohmann::json to_json(const retry_policy& policy) {
  return {{"kind", kind_names[static_cast<std::size_t>(policy.kind)]},
          {"base", format_duration(policy.base)},
          {"factor", policy.factor},
          {"cap", format_duration(policy.cap)},
          {"jitter", policy.jitter}};
}

}  // namespace cascade
