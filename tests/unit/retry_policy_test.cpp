#include "state/retry_policy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "state/duration.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST(retry_policy, grows_as_its_kind_says) {
  retry_policy p{.kind = retry_kind::exponential, .base = 1s, .factor = 3, .cap = 1h, .jitter = 0};
  EXPECT_EQ(next_delay(p, 1, 0.9), 1s);
  EXPECT_EQ(next_delay(p, 2, 0.9), 3s);
  EXPECT_EQ(next_delay(p, 4, 0.9), 27s);
  p.kind = retry_kind::linear;
  EXPECT_EQ(next_delay(p, 4, 0.9), 4s);
  p.kind = retry_kind::fixed;
  EXPECT_EQ(next_delay(p, 4, 0.9), 1s);
}

TEST(retry_policy, never_leaves_its_range) {
  const double randoms[] = {0.0,  0.5, 0.999999,     1.0,
                            -1.0, 7.0, std::nan(""), std::numeric_limits<double>::infinity()};
  for (const auto kind : {retry_kind::exponential, retry_kind::linear, retry_kind::fixed})
    for (const auto base : {milliseconds{0}, milliseconds{1}, milliseconds{duration_max}})
      for (const double factor : {1.0, 2.0, 100.0})
        for (const int attempt : {std::numeric_limits<int>::min(), -1, 0, 1, 2, 64, 32'767,
                                  std::numeric_limits<int>::max()})
          for (const double random : randoms) {
            const retry_policy p{
                .kind = kind, .base = base, .factor = factor, .cap = 10min, .jitter = 1};
            const auto d = next_delay(p, attempt, random);
            EXPECT_GE(d, 0ms);
            EXPECT_LE(d, 10min);
          }
}

TEST(retry_policy, attempt_zero_counts_as_the_first) {
  const retry_policy p{.base = 5s, .jitter = 0};
  EXPECT_EQ(next_delay(p, 0, 0), next_delay(p, 1, 0));
}

TEST(retry_policy, jitter_spreads_over_its_share) {
  retry_policy p{.kind = retry_kind::fixed, .base = 10s, .jitter = 1};
  EXPECT_EQ(next_delay(p, 1, 0.0), 10s);
  EXPECT_EQ(next_delay(p, 1, 0.75), 2500ms);
  p.jitter = 0.2;
  EXPECT_EQ(next_delay(p, 1, 0.5), 9s);
}

TEST(retry_policy, json_keeps_it_and_fills_in_what_is_missing) {
  const retry_policy p{
      .kind = retry_kind::linear, .base = 250ms, .factor = 1.5, .cap = 90s, .jitter = 0.5};
  const auto back = parse_retry_policy(to_json(p));
  ASSERT_TRUE(back);
  EXPECT_EQ(back.value(), p);
  EXPECT_EQ(parse_retry_policy(json::object()).value(), retry_policy{});
  EXPECT_EQ(parse_retry_policy(json{{"base", "1h"}}).value().cap, 1h)
      << "a lone base lifts the default cap";
}

TEST(retry_policy, says_what_is_wrong) {
  const auto problem = [](const json& v) { return parse_retry_policy(v).error(); };
  EXPECT_EQ(problem(json{{"kind", "expnential"}}).hint, "did you mean \"exponential\"?");
  EXPECT_EQ(problem(json{{"bse", 1}}).hint, "did you mean \"base\"?");
  EXPECT_EQ(problem(json{{"base", "soon"}}).key, "base");
  EXPECT_EQ(problem(json{{"base", "10s"}, {"cap", "1s"}}).key, "base");
  EXPECT_EQ(problem(json{{"factor", 0.5}}).key, "factor");
  EXPECT_EQ(problem(json{{"jitter", 2}}).key, "jitter");
  EXPECT_FALSE(parse_retry_policy(json::array()));
  EXPECT_FALSE(parse_retry_policy(json(nullptr)));
}

}  // namespace
}  // namespace cascade
