// What `cascade schedule` does without a database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/context.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct run_result {
  int exit;
  std::string out, err;
};

run_result run(std::vector<const char*> words, const std::string& input = {}) {
  words.insert(words.begin(), {"cascade", "schedule"});
  std::istringstream in(input);
  std::ostringstream out, err;
  const int exit = run_cascade(static_cast<int>(words.size()), words.data(), in, out, err);
  return {exit, out.str(), err.str()};
}

TEST(cli_schedule, the_next_ticks_of_an_expression_need_no_database) {
  const auto shown = run({"next", "--cron", "30 9 * * 1-5", "--time-zone", "America/New_York",
                          "--from", "2026-11-20T00:00:00Z", "-n", "2"});
  ASSERT_EQ(shown.exit, 0) << shown.err;
  EXPECT_EQ(shown.out,
            "tick (UTC)           in America/New_York\n"
            "2026-11-20 14:30:00  2026-11-20T09:30:00-05:00 EST\n"
            "2026-11-23 14:30:00  2026-11-23T09:30:00-05:00 EST\n");
  const auto every = run({"next", "--every", "1h", "--from", "2026-11-20T00:30:00Z", "--json"});
  EXPECT_EQ(json::parse(every.out).size(), 5u);
  EXPECT_EQ(json::parse(every.out)[0],
            json::parse(R"({"tick": "2026-11-20T01:00:00Z", "local": "2026-11-20T01:00:00Z"})"));
  EXPECT_EQ(json::parse(run({"next", "--cron", "* * * * *", "--json"}).out).size(), 5u)
      << "from now";
}

TEST(cli_schedule, what_cannot_be_read_is_refused_with_a_hint) {
  EXPECT_EQ(run({"next"}).exit, 2);
  EXPECT_THAT(run({"next"}).err, HasSubstr("give the name of a schedule"));
  EXPECT_EQ(run({"next", "nightly", "--cron", "* * * * *"}).exit, 2);
  EXPECT_EQ(run({"next", "--cron", "* * * * *", "--every", "5s"}).exit, 2);
  EXPECT_EQ(run({"next", "--cron", "* * * * *", "-n", "0"}).exit, 2);
  const auto zone = run({"next", "--cron", "* * * * *", "--time-zone", "Europe/Brelin"});
  EXPECT_EQ(zone.exit, 2);
  EXPECT_THAT(zone.err, HasSubstr("Europe/Berlin"));
  EXPECT_THAT(run({"next", "--cron", "61 * * * *"}).err, HasSubstr("cron: "));
  EXPECT_EQ(run({"next", "--cron", "0 0 30 2 *"}).exit, 2) << "30 February";
  EXPECT_THAT(run({"next", "--every", "soon"}).err, HasSubstr("is not a duration"));
  EXPECT_THAT(run({"next", "--every", "1h", "--from", "noon"}).err, HasSubstr("is not a moment"));
}

TEST(cli_schedule, files_are_checked_without_a_database) {
  const auto good = run({"validate", "-"}, "schedules: {a: {cron: 0 3 * * *, handler: h}}");
  EXPECT_EQ(good.exit, 0) << good.err;
  EXPECT_EQ(good.out, "1 schedule, valid\n");
  const auto bad = run({"validate", "-"},
                       "schedules:\n  a: {cron: 0 25 * * *, handler: h}\n"
                       "  b: {every: 10ms, handler: h}\n");
  EXPECT_EQ(bad.exit, 2);
  EXPECT_THAT(bad.err, HasSubstr("standard input:2:13: schedule \"a\": cron: "));
  EXPECT_THAT(bad.err, HasSubstr("standard input:3:14: schedule \"b\": every: "));
}

}  // namespace
}  // namespace cascade
