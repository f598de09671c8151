#include "state/duration.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cascade {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

std::optional<std::int64_t> ms(std::string_view text) {
  const auto d = parse_duration(text);
  return d ? std::optional(d->count()) : std::nullopt;
}

TEST(duration, reads_what_people_write) {
  EXPECT_EQ(ms("250ms"), 250);
  EXPECT_EQ(ms("10s"), 10'000);
  EXPECT_EQ(ms("5m"), 300'000);
  EXPECT_EQ(ms("1h30m"), 5'400'000);
  EXPECT_EQ(ms("2d"), 172'800'000);
  EXPECT_EQ(ms("1d2h3m4s5ms"), 93'784'005);
  EXPECT_EQ(ms("1.5h"), 5'400'000);
  EXPECT_EQ(ms("1.1s"), 1'100);
  EXPECT_EQ(ms("90"), 90'000);
  EXPECT_EQ(ms("0s"), 0);
  EXPECT_EQ(ms("0.2ms"), 1) << "never shorter than asked for";
}

TEST(duration, refuses_the_rest) {
  for (const char* text :
       {"",      " ",    "s",   "10 s",   "-1s",   "+1s",     "1e3s",
        "inf",   "nan",  "1.s", ".5s",    "1..5s", "1.5h30m", "1m1h",
        "1s1s",  "1x",   "1S",  "1h 30m", "10s5",  "5ms3",    "99999999999999999999d",
        "3651d", "0x10s"})
    EXPECT_EQ(ms(text), std::nullopt) << text;
}

TEST(duration, a_json_number_means_seconds) {
  EXPECT_EQ(parse_duration(json(1.5)), milliseconds{1'500});
  EXPECT_EQ(parse_duration(json(30)), milliseconds{30'000});
  EXPECT_EQ(parse_duration(json("30s")), milliseconds{30'000});
  EXPECT_FALSE(parse_duration(json(-1)));
  EXPECT_FALSE(parse_duration(json(1e300)));
  EXPECT_FALSE(parse_duration(json(true)));
  EXPECT_FALSE(parse_duration(json(nullptr)));
  EXPECT_FALSE(parse_duration(json::array({1})));
}

TEST(duration, what_is_printed_is_read_back) {
  for (const std::int64_t n :
       {0LL, 1LL, 999LL, 1'000LL, 61'000LL, 3'600'001LL, 86'399'999LL, 315'360'000'000LL}) {
    const milliseconds d{n};
    EXPECT_EQ(parse_duration(std::string_view(format_duration(d))), d) << format_duration(d);
  }
  EXPECT_EQ(format_duration(milliseconds{5'400'000}), "1h30m");
}

}  // namespace
}  // namespace cascade
