#include "workflow/schedule_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cascade {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> problems(std::string_view text, const schedule_check& check = {}) {
  const auto parsed = parse_schedules(text, "f", check);
  std::vector<std::string> out;
  if (!parsed)
    for (const auto& p : parsed.error()) out.push_back(to_string(p));
  return out;
}

// A schedule of a handler with these lines more, the first of which is line 5.
std::vector<std::string> schedule_problems(const std::string& lines) {
  return problems("schedules:\n  a:\n    cron: \"0 3 * * *\"\n    handler: h\n" + lines);
}

constexpr std::string_view nightly = R"(schedules:
  nightly:
    cron: "0 3 * * *"
    time_zone: Europe/Berlin
    workflow: nightly_etl
    input: {full: true}
    tick_parameter: day
    overlap: skip
    catch_up: all
    catch_up_max: 3
    jitter: 30s
    starts_at: 2026-11-20T03:00:00+01:00
    ends_at: 2027-01-01T00:00Z
  beat:
    every: 90s
    handler: beat
    queue: small
    tenant: acme
    priority: 70
    paused: true
)";

TEST(schedule_file, all_keys_are_read) {
  const auto parsed = parse_schedules(nightly, "f");
  ASSERT_TRUE(parsed) << to_string(parsed.error().front());
  const auto& all = parsed.value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(to_json(all[0]),
            json::parse(R"({"name": "beat", "every": "90000 milliseconds", "handler": "beat",
                            "queue": "small", "tenant": "acme", "priority": 70, "paused": true})"));
  EXPECT_EQ(to_json(all[1]),
            json::parse(R"({"name": "nightly", "cron": "0 3 * * *", "time_zone": "Europe/Berlin",
                            "workflow": "nightly_etl", "input": {"full": true},
                            "tick_parameter": "day", "overlap": "skip", "catch_up": "all",
                            "catch_up_max": 3, "jitter": "30000 milliseconds",
                            "starts_at": "2026-11-20T02:00:00Z",
                            "ends_at": "2027-01-01T00:00:00Z"})"));
}

TEST(schedule_file, what_a_file_does_not_say_is_left_to_the_table) {
  const auto parsed =
      parse_schedules(R"({"schedules": {"a": {"every": 1.5, "handler": "h"}}})", "f");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(to_json(parsed.value()[0]),
            json::parse(R"({"name": "a", "every": "1500 milliseconds", "handler": "h"})"));
}

TEST(schedule_file, all_problems_are_told_at_once_and_where) {
  EXPECT_THAT(
      problems("schedules:\n"
               "  a:\n"
               "    cron: 5\n"
               "    handler: h\n"
               "    overlop: skip\n"
               "  b b:\n"
               "    every: 0s\n"
               "    workflow: w\n"
               "    queue: q\n"
               "  c:\n"
               "    catch_up: sometimes\n"
               "    time_zone: ''\n"
               "  d: 7\n"),
      ElementsAre(HasSubstr("f:3:11: schedule \"a\": cron: must be a string"),
                  HasSubstr("f:5:5: schedule \"a\": \"overlop\" is not a key of a schedule; "
                            "did you mean \"overlap\"?"),
                  HasSubstr("f:6:3: schedules: the name \"b b\" may hold only"),
                  HasSubstr("f:7:12: schedule \"b b\": every: must be longer than 0"),
                  HasSubstr("f:9:12: schedule \"b b\": queue: is for a handler"),
                  HasSubstr("f:11:5: schedule \"c\": has neither \"cron\" nor \"every\""),
                  HasSubstr("f:11:5: schedule \"c\": has neither \"workflow\" nor"),
                  HasSubstr("f:11:15: schedule \"c\": catch_up: must be one of skip, last"),
                  HasSubstr("f:12:16: schedule \"c\": time_zone: must not be empty"),
                  HasSubstr("f:13:6: schedule \"d\": must be a map")));
}

TEST(schedule_file, values_keep_to_the_limits_of_the_table) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"jitter: 25h", "f:5:13: schedule \"a\": jitter: is longer than a day"},
      {"jitter: soon", "is not a duration"},
      {"catch_up_max: 0", "must be a whole number from 1 to 1000"},
      {"catch_up_max: 1001", "must be a whole number from 1 to 1000"},
      {"priority: 101", "must be a whole number from 0 to 100"},
      {"paused: perhaps", "must be true or false"},
      {"input: [1]", "must be a map"},
      {"starts_at: tomorrow", "is not a moment; write 2026-11-20T03:00:00Z"},
      {"starts_at: 2026-11-20", "is not a moment"},
      {"every: 5s", "has both \"cron\" and \"every\""},
      {"workflow: w", "has both \"workflow\" and \"handler\""},
      {"handler: g", "the key \"handler\" is here twice"}};
  for (const auto& [line, text] : wrong)
    EXPECT_THAT(schedule_problems("    " + line + "\n"), ElementsAre(HasSubstr(text))) << line;
  EXPECT_THAT(
      schedule_problems("    starts_at: 2026-11-20T03:00Z\n    ends_at: 2026-11-20T03:00Z\n"),
      ElementsAre(HasSubstr("f:6:14: schedule \"a\": ends_at: is not after starts_at")));
  EXPECT_THAT(schedule_problems("    jitter: 0s\n"), IsEmpty());
}

TEST(schedule_file, times_are_judged_by_who_knows_them_and_only_when_the_rest_is_right) {
  int asked = 0;
  const schedule_check check = [&](const schedule_definition& s) {
    ++asked;
    return s.name == "a" ? std::optional(schedule_objection{"cron", "field 2: no", "try 3"})
                         : std::nullopt;
  };
  EXPECT_THAT(problems("schedules:\n  a: {handler: h, cron: x}\n  b: {handler: h, cron: y}\n"
                       "  c: {handler: h, cron: z, priority: no}\n",
                       check),
              ElementsAre("f:2:25: schedule \"a\": cron: field 2: no; try 3",
                          HasSubstr("schedule \"c\": priority")));
  EXPECT_EQ(asked, 2);
}

TEST(schedule_file, other_files_are_not_taken_for_one) {
  EXPECT_THAT(problems("name: w\nsteps: []\n"),
              ElementsAre(HasSubstr("f:1:1: \"name\" is not a key of a file of schedules"),
                          HasSubstr("has no \"schedules\""), HasSubstr("\"steps\" is not a key")));
  EXPECT_THAT(problems("schedules: [a]"), ElementsAre(HasSubstr("must be a map")));
  EXPECT_THAT(problems(""), ElementsAre(HasSubstr("the file is empty")));
  EXPECT_THAT(problems("schedules: {"), testing::SizeIs(1));
  EXPECT_THAT(problems("schedules: {}"), IsEmpty());
}

}  // namespace
}  // namespace cascade
