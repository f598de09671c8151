// What a wrong command line is told. Nothing here gets as far as a database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/context.hpp"
#include "cli/daemon_options.hpp"

namespace cascade {
namespace {

using ::testing::HasSubstr;

struct run_result {
  int exit;
  std::string out, err;
};

run_result run(std::vector<const char*> words) {
  words.insert(words.begin(), {"cascade", "--database", "host=/nonexistent"});
  std::istringstream in;
  std::ostringstream out, err;
  const int exit = run_cascade(static_cast<int>(words.size()), words.data(), in, out, err);
  return {exit, out.str(), err.str()};
}

TEST(cli_usage, no_option_takes_the_next_one_for_its_value) {
  const auto empty = run({"job", "start", "fan", "--idempotency-key=", "--wait"});
  EXPECT_EQ(empty.exit, 2);
  EXPECT_THAT(empty.err, HasSubstr("--idempotency-key= has no value"));
  const auto none = run({"task", "push", "x", "--requires", "--queue", "q"});
  EXPECT_EQ(none.exit, 2);
  EXPECT_THAT(none.err, HasSubstr("--requires has no value before --queue"));
  EXPECT_EQ(run({"job", "start", "fan", "--idempotency-key", ""}).exit, 2);
  EXPECT_EQ(run({"queue", "limit", "q", "--depth", "--json"}).exit, 2);
  EXPECT_EQ(run({"job", "start", "fan", "--idempotency-key=--wait"}).exit, 3);
}

TEST(cli_usage, nor_does_one_of_the_daemon) {
  const char* argv[] = {"cascaded", "--database=", "--workers", "4"};
  std::ostringstream out, err;
  EXPECT_EQ(parse_daemon_options(4, argv, out, err, {}).exit, exit_usage);
  EXPECT_THAT(err.str(), HasSubstr("--database= has no value"));
}

TEST(cli_usage, an_unknown_command_is_named) {
  EXPECT_THAT(run({"bogus"}).err, HasSubstr("\"bogus\" is not a command of cascade\n"));
  EXPECT_THAT(run({"task", "bogus"}).err, HasSubstr("\"bogus\" is not a command of cascade task"));
  EXPECT_THAT(run({"task", "lsit"}).err, HasSubstr("did you mean \"list\"?"));
  EXPECT_THAT(run({"task"}).err, HasSubstr("which command of cascade task?"));
}

TEST(cli_usage, an_id_that_is_none_is_refused) {
  for (const char* id : {"99999999999999999999", "0", "x", "7x"}) {
    const auto told = run({"task", "show", id});
    EXPECT_EQ(told.exit, 2) << id;
    EXPECT_THAT(told.err, HasSubstr("is not a task id")) << id;
  }
  EXPECT_EQ(run({"job", "cancel", "1", "99999999999999999999"}).exit, 2);
}

}  // namespace
}  // namespace cascade
