#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/command_spec.hpp"

namespace cascade {
namespace {

using verdict = command_spec::verdict;

TEST(executor_command_spec, an_array_is_the_argv) {
  auto parsed = parse_command(R"(["/bin/echo", "a b", "$HOME"])");
  ASSERT_TRUE(parsed.spec) << parsed.error;
  EXPECT_EQ(parsed.spec->argv, (std::vector<std::string>{"/bin/echo", "a b", "$HOME"}));
  EXPECT_EQ(parsed.spec->kill_after, std::chrono::seconds(5));
  EXPECT_EQ(parsed.spec->stdout_bytes_max, 1u << 20);
}

TEST(executor_command_spec, an_object_sets_everything) {
  auto parsed =
      parse_command(R"({"argv": ["x"], "cwd": "/tmp", "env": {"K": "v"}, "success_codes": [0, 3],
    "retry_codes": [75], "fail_codes": [64], "snooze_codes": [76], "other_codes": "fail", "kill_after": "250ms",
    "stdout_bytes_max": 10, "stderr_bytes_max": 20})");
  ASSERT_TRUE(parsed.spec) << parsed.error;
  const auto& spec = *parsed.spec;
  EXPECT_EQ(spec.cwd, "/tmp");
  EXPECT_EQ(spec.env.at("K"), "v");
  EXPECT_EQ(spec.kill_after, std::chrono::milliseconds(250));
  EXPECT_EQ(spec.stdout_bytes_max, 10u);
  EXPECT_EQ(spec.stderr_bytes_max, 20u);
  EXPECT_EQ(spec.verdict_of(3), verdict::success);
  EXPECT_EQ(spec.verdict_of(75), verdict::retry);
  EXPECT_EQ(spec.verdict_of(64), verdict::fail);
  EXPECT_EQ(spec.verdict_of(76), verdict::snooze);
  EXPECT_EQ(spec.verdict_of(1), verdict::fail);
}

TEST(executor_command_spec, unlisted_codes_are_retried_by_default) {
  auto parsed = parse_command(R"(["x"])");
  ASSERT_TRUE(parsed.spec);
  EXPECT_EQ(parsed.spec->verdict_of(0), verdict::success);
  EXPECT_EQ(parsed.spec->verdict_of(1), verdict::retry);
}

TEST(executor_command_spec, durations_are_seconds_or_text_with_a_unit) {
  const auto kill_after = [](const std::string& value) {
    auto parsed = parse_command(R"({"argv": ["x"], "kill_after": )" + value + "}");
    return parsed.spec ? parsed.spec->kill_after.count() : -1;
  };
  EXPECT_EQ(kill_after("2"), 2000);
  EXPECT_EQ(kill_after("0.5"), 500);
  EXPECT_EQ(kill_after("\"2m\""), 120'000);
  EXPECT_EQ(kill_after("\"2\""), -1);
  EXPECT_EQ(kill_after("\"s\""), -1);
  EXPECT_EQ(kill_after("-1"), -1);
  EXPECT_EQ(kill_after("1e300"), -1);
  EXPECT_EQ(kill_after("\"infs\""), -1);
  EXPECT_EQ(kill_after("\"nans\""), -1);
}

TEST(executor_command_spec, a_hint_says_when_the_next_try_is_wanted) {
  using namespace std::chrono_literals;
  EXPECT_EQ(retry_in_of(R"({"retry_in": "5m"})"), 5min);
  EXPECT_EQ(retry_in_of(" {\"retry_in\": 0.25, \"other\": [1]}\n"), 250ms);
  EXPECT_EQ(retry_in_of(R"({"retry_in": 0})"), 0ms);
  for (const char* bad :
       {"", "null", "5", "[]", R"("5m")", "{}", R"({"retry_in": null})", R"({"retry_in": -1})",
        R"({"retry_in": "soon"})", R"({"retry_in": 1e300})", R"({"retry_in": "5m")", "\xff"})
    EXPECT_EQ(retry_in_of(bad), std::nullopt) << bad;
  EXPECT_EQ(retry_in_of("{\"retry_in\": 5" + std::string(65 << 10, ' ') + "}"), std::nullopt);
  const std::string deep(5000, '[');
  EXPECT_EQ(retry_in_of("{\"retry_in\": " + deep + std::string(5000, ']') + "}"), std::nullopt);
}

struct refusal {
  const char* name;
  std::string json;
  const char* says;
};

void PrintTo(const refusal& r, std::ostream* out) { *out << r.name; }

class executor_command_refused : public testing::TestWithParam<refusal> {};

TEST_P(executor_command_refused, with_a_clear_error) {
  auto parsed = parse_command(GetParam().json);
  EXPECT_FALSE(parsed.spec);
  EXPECT_THAT(parsed.error, testing::HasSubstr(GetParam().says));
}

std::string many_args(int n) {
  std::string out = "[\"x\"";
  while (--n > 0) out += ",\"x\"";
  return out + "]";
}

INSTANTIATE_TEST_SUITE_P(
    all, executor_command_refused,
    testing::Values(
        refusal{"empty_text", "", "not valid JSON"}, refusal{"not_json", "ls -l", "not valid JSON"},
        refusal{"a_string", R"("ls -l")", "must be an array or an object, not string"},
        refusal{"a_number", "7", "not number"},
        refusal{"no_argv", R"({"cwd": "/"})", "argv is missing"},
        refusal{"empty_argv", "[]", "1 to 1000"}, refusal{"too_many", many_args(1001), "1 to 1000"},
        refusal{"empty_program", R"([""])", "is empty"},
        refusal{"number_in_argv", R"(["a", 1])", "argv[1]: must be text, not number"},
        refusal{"nul", R"(["a", "b\u0000c"])", "NUL"},
        refusal{"long_argv", "[\"" + std::string(2 << 20, 'a') + "\"]", "more than the limit"},
        refusal{"relative_cwd", R"({"argv": ["a"], "cwd": "tmp"})", "absolute"},
        refusal{"env_array", R"({"argv": ["a"], "env": []})", "env: must be an object"},
        refusal{"env_number", R"({"argv": ["a"], "env": {"K": 1}})", "env.K: must be text"},
        refusal{"env_equals", R"({"argv": ["a"], "env": {"K=V": "1"}})", "has a ="},
        refusal{"env_reserved", R"({"argv": ["a"], "env": {"CASCADE_TASK_ID": "1"}})", "reserved"},
        refusal{"env_progress", R"({"argv": ["a"], "env": {"CASCADE_PROGRESS_FD": "1"}})",
                "reserved"},
        refusal{"code_text", R"({"argv": ["a"], "retry_codes": ["1"]})", "from 0 to 255"},
        refusal{"code_256", R"({"argv": ["a"], "retry_codes": [256]})", "from 0 to 255"},
        refusal{"code_twice", R"({"argv": ["a"], "retry_codes": [0]})",
                "exit code 0 is listed twice"},
        refusal{"code_in_two_lists",
                R"({"argv": ["a"], "retry_codes": [75], "snooze_codes": [75]})",
                "exit code 75 is listed twice"},
        refusal{"other_snooze", R"({"argv": ["a"], "other_codes": "snooze"})",
                "\"retry\" or \"fail\""},
        refusal{"other_success", R"({"argv": ["a"], "other_codes": "success"})",
                "\"retry\" or \"fail\""},
        refusal{"kill_after", R"({"argv": ["a"], "kill_after": "2h"})", "kill_after"},
        refusal{"stdout_max", R"({"argv": ["a"], "stdout_bytes_max": 999999999})",
                "stdout_bytes_max"},
        refusal{"stdout_negative", R"({"argv": ["a"], "stdout_bytes_max": -1})", "number of bytes"},
        refusal{"stderr_max", R"({"argv": ["a"], "stderr_bytes_max": 999999999})",
                "stderr_bytes_max"},
        refusal{"unknown_member", R"({"argv": ["a"], "shell": true})", "unknown member \"shell\""},
        refusal{"deep", std::string(5000, '[') + std::string(5000, ']'), "deeper"}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace cascade
