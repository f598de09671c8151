// What is refused, and in which words.
#include <gtest/gtest.h>

#include <string>

#include "triggers/cron_pattern.hpp"

namespace cascade {
namespace {

struct refusal {
  const char* name;
  std::string text;
  const char* message;
  const char* hint = "";
};

void PrintTo(const refusal& r, std::ostream* out) { *out << r.text; }

class cron_pattern_refuses : public testing::TestWithParam<refusal> {};

TEST_P(cron_pattern_refuses, with_field_value_and_what_is_allowed) {
  const auto made = cron_pattern::parse(GetParam().text);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, GetParam().message);
  EXPECT_EQ(made.error().hint, GetParam().hint);
}

using namespace std::string_literals;
constexpr const char* order =
    "five fields are \"minute hour day-of-month month day-of-week\", six begin with the second";

const refusal refusals[] = {
    {"empty", "", "cron: the expression is empty", order},
    {"blank", " \t ", "cron: the expression is empty", order},
    {"few_fields", "0 3 * *", "cron: 4 fields, allowed are 5 or 6: \"0\" is the first", order},
    {"a_word", "daily", "cron: 1 field, allowed are 5 or 6: \"DAILY\" is the first",
     "did you mean \"@daily\"?"},
    {"a_year", "0 0 3 * * ? 2026", "cron: 7 fields, allowed are 5 or 6: \"0\" is the first",
     "there is no field for the year"},
    {"a_zone", "TZ=UTC 0 0 3 * * *", "cron: 7 fields, allowed are 5 or 6: \"TZ=UTC\" is the first",
     "the zone stands in time_zone"},
    {"hour_25", "0 25 * * *", "cron: field 2 (hour): 25 is not between 0 and 23"},
    {"minute_60", "60 * * * *", "cron: field 1 (minute): 60 is not between 0 and 59"},
    {"six_fields", "0 60 * * * *", "cron: field 2 (minute): 60 is not between 0 and 59"},
    {"day_0", "0 0 0 * *", "cron: field 3 (day of month): 0 is not between 1 and 31"},
    {"month_13", "0 0 1 13 *", "cron: field 4 (month): 13 is not between 1 and 12"},
    {"weekday_8", "0 0 * * 8", "cron: field 5 (day of week): 8 is not between 0 and 7"},
    {"huge", "99999999999999999999999 * * * *",
     "cron: field 1 (minute): 99999999999999999999 is not between 0 and 59"},
    {"two_to_the_32nd_and_5", "4294967301 * * * *",
     "cron: field 1 (minute): 4294967301 is not between 0 and 59"},
    {"negative", "-5 * * * *", "cron: field 1 (minute): \"\" is not a number; allowed are 0-59"},
    {"letters", "0 noon * * *", "cron: field 2 (hour): \"NOON\" is not a number; allowed are 0-23"},
    {"name_mistyped", "0 0 * * MUN",
     "cron: field 5 (day of week): \"MUN\" is not a number or name; allowed are 0-7 and SUN-SAT",
     "did you mean \"SUN\"?"},
    {"name_long", "0 0 * january *",
     "cron: field 4 (month): \"JANUARY\" is not a number or name; allowed are 1-12 and JAN-DEC",
     "did you mean \"JAN\"?"},
    {"list_hole", "1,,2 * * * *", "cron: field 1 (minute): an item of the list is empty",
     "commas stand between values"},
    {"step_0", "*/0 * * * *", "cron: field 1 (minute): step 0 is not between 1 and 59"},
    {"step_90", "*/90 * * * *", "cron: field 1 (minute): step 90 is not between 1 and 59",
     "for longer intervals use `every` in place of cron"},
    {"step_missing", "*/ * * * *", "cron: field 1 (minute): step \"\" is not a number"},
    {"step_twice", "*/2/3 * * * *", "cron: field 1 (minute): step \"2/3\" is not a number"},
    {"backwards", "0 22-2 * * *", "cron: field 2 (hour): the range \"22-2\" goes backwards",
     "write 22-23,0-2"},
    {"question_mark", "? 3 * * *",
     "cron: field 1 (minute): \"?\" is not a number; allowed are 0-59",
     "L, W, # and ? belong in the day fields"},
    {"last_hour", "0 L * * *", "cron: field 2 (hour): \"L\" is not a number; allowed are 0-23",
     "L, W, # and ? belong in the day fields"},
    {"last_weekday_alone", "0 0 ? * L",
     "cron: field 5 (day of week): L alone names no day of the week",
     "write FRIL for the last Friday of the month"},
    {"sixth_friday", "0 0 ? * FRI#6", "cron: field 5 (day of week): week 6 is not between 1 and 5"},
    {"w_range", "0 0 1-5W * *", "cron: field 3 (day of month): \"1-5W\": W takes one day",
     "write 15W, or LW for the last weekday"},
    {"l_minus_31", "0 0 L-31 * *",
     "cron: field 3 (day of month): days before the last: 31 is not between 1 and 30"},
    {"february_30", "0 0 30 2 *",
     "cron: field 3 (day of month): \"30\" never comes in month \"2\" (field 4)",
     "no day from 1970 to 2100 matches"},
    {"february_30_six", "0 0 0 30,31 FEB ?",
     "cron: field 4 (day of month): \"30,31\" never comes in month \"FEB\" (field 5)",
     "no day from 1970 to 2100 matches"},
    {"macro_mistyped", "@dayly",
     "cron: \"@dayly\" is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, "
     "@hourly",
     "did you mean \"@daily\"?"},
    {"macro_every", "@every 5m",
     "cron: \"@every 5m\" is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, "
     "@hourly",
     "an interval stands in `every` in place of cron"},
    {"macro_reboot", "@reboot",
     "cron: \"@reboot\" is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, "
     "@hourly",
     "a schedule knows times, not restarts"},
    {"nul", "0 3 * * *\0"s, "cron: byte 10 is not a printable ASCII character"},
    {"non_ascii", "0 3 * * mi\xc3\xa9", "cron: byte 11 is not a printable ASCII character"},
    {"newline", "0 3 * * *\n", "cron: byte 10 is not a printable ASCII character"},
    {"long", std::string(201, '1'), "cron: the expression is longer than 200 bytes"},
    {"megabytes", std::string(8u << 20, '*'), "cron: the expression is longer than 200 bytes"},
    {"one_long_field", std::string(150, '7') + "x * * * *",
     "cron: field 1 (minute): \"7777777777777777777777777777777777777777...\" is not a number; "
     "allowed are 0-59"},
};

INSTANTIATE_TEST_SUITE_P(all, cron_pattern_refuses, testing::ValuesIn(refusals),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace cascade
