#include "state/instant_text.hpp"

#include <gtest/gtest.h>

namespace cascade {
namespace {

using namespace std::chrono;

TEST(instant_text, what_is_read_is_written_as_utc) {
  const auto again = [](std::string_view text) {
    const auto read = parse_instant(text);
    return read ? format_instant(*read) : "refused";
  };
  EXPECT_EQ(again("2026-11-20T03:00:00Z"), "2026-11-20T03:00:00Z");
  EXPECT_EQ(again("2026-11-20T03:00Z"), "2026-11-20T03:00:00Z");
  EXPECT_EQ(again("2026-11-20 03:00:00+01:00"), "2026-11-20T02:00:00Z");
  EXPECT_EQ(again("2026-11-20 03:00:00.25 -0530"), "2026-11-20T08:30:00.250000Z");
  EXPECT_EQ(again("2026-01-01T00:00:00+01"), "2025-12-31T23:00:00Z");
  EXPECT_EQ(again("1969-12-31T23:59:59.999999Z"), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(again("2028-02-29T00:00Z"), "2028-02-29T00:00:00Z");
}

TEST(instant_text, nothing_is_guessed) {
  for (const char* text :
       {"", "now", "2026-11-20", "2026-11-20T03:00:00", "2026-11-20T24:00:00Z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-20T03:00:60Z",
        "2026-11-20T03:00:00.Z", "2026-11-20T03:00:00.1234567Z", "2026-11-20T03:00:00Zx",
        "2026-11-20T03:00:00+1", "2026-11-20T03:00:00+01:", "26-11-20T03:00:00Z",
        "2026-11-20T03:00:00+16:00"})
    EXPECT_FALSE(parse_instant(text)) << text;
}

}  // namespace
}  // namespace cascade
