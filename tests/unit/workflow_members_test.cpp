// What is wrong inside a step's command and retry: all of it, each at its place in the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workflow/parse.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> problems(std::string_view text) {
  const auto parsed = parse_workflow(text, "f", {});
  std::vector<std::string> out;
  if (!parsed)
    for (const auto& p : parsed.error()) out.push_back(to_string(p));
  return out;
}

TEST(workflow_members, a_command_is_checked_as_the_executor_does) {
  const auto wrong = [](std::string_view command) {
    return problems("name: w\nsteps:\n- name: a\n  command: " + std::string(command));
  };
  EXPECT_THAT(wrong("[ls, -l]"), IsEmpty());
  EXPECT_THAT(wrong("{argv: [ls], cwd: /tmp, env: {A: b}, retry_codes: [75], kill_after: 5s}"),
              IsEmpty());
  EXPECT_THAT(wrong("{argv: [ls], cwdd: /tmp}"),
              ElementsAre("f:4:25: step \"a\": command: unknown member \"cwdd\"; did you mean "
                          "\"cwd\"?"));
  EXPECT_THAT(wrong("[]"), ElementsAre(HasSubstr("command: must have 1 to 1000 entries")));
  EXPECT_THAT(wrong("ls -l"), ElementsAre(HasSubstr("must be an array or an object")));
  EXPECT_THAT(wrong("{cwd: /}"), ElementsAre(HasSubstr("argv is missing")));
  EXPECT_THAT(wrong("{argv: [ls, 1], cwd: tmp, env: {A: 1}, success_codes: [0, 300], "
                    "kill_after: soon}"),
              ElementsAre(HasSubstr("command.argv.1: must be text"),
                          HasSubstr("command.cwd: must be an absolute path"),
                          HasSubstr("command.env.A: must be text"),
                          HasSubstr("command.success_codes.1: must be a whole number"),
                          HasSubstr("command.kill_after: must be seconds")));
  EXPECT_THAT(wrong("{argv: [ls], retry_codes: [0]}"),
              ElementsAre(HasSubstr("command.retry_codes: exit code 0 is listed twice")));
}

TEST(workflow_members, all_that_is_wrong_with_a_retry_is_told) {
  EXPECT_THAT(
      problems(
          "name: w\nsteps:\n- name: a\n  handler: h\n  retry: {base: soon, factor: 0, bas: 1s}"),
      ElementsAre(HasSubstr("retry.base: \"base\" is not a duration: \"soon\""),
                  HasSubstr("\"factor\" must be"), HasSubstr("\"bas\" is not a key")));
}

}  // namespace
}  // namespace cascade
