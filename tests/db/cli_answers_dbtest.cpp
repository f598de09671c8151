// What the commands tell of what they did.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/db/cli_fixture.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class cli_answers : public test::cli_test {};

TEST_F(cli_answers, of_several_ids_all_are_tried) {
  auto c = db_.connect();
  const auto a = std::to_string(test::make_task(c)), b = std::to_string(test::make_task(c));
  const auto told = run({"task", "cancel", a, "424242", b, "--json"});
  EXPECT_EQ(told.exit, 4);
  EXPECT_EQ(told.document().size(), 2u);
  EXPECT_EQ(told.document()[1]["id"], std::stoi(b));
  EXPECT_EQ(json::parse(told.err)["error"]["code"], "not_found");
  const auto text = run({"task", "cancel", "424242", a});
  EXPECT_EQ(text.exit, 4);
  EXPECT_THAT(text.out, HasSubstr("task " + a + ": its end asked for"));
}

TEST_F(cli_answers, a_key_says_whether_it_is_new) {
  ASSERT_EQ(
      run({"workflow", "apply", "-"}, "name: one\nsteps:\n  - {name: a, handler: noop}\n").exit, 0);
  const std::string producer = db_.conninfo("cascade_producer");
  const auto start = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"job", "start", "one", "--idempotency-key", "k"});
    return run_on(producer, more).out;
  };
  EXPECT_THAT(start({}), HasSubstr(" started"));
  EXPECT_THAT(start({}), HasSubstr(" has the key already"));
  EXPECT_EQ(json::parse(start({"--json"}))["new"], false);
  const auto push = [&](const char* mode) {
    return json::parse(run_on(producer, {"task", "push", "noop", "--unique-key", "u",
                                         "--on-conflict", mode, "--json"})
                           .out)["new"];
  };
  EXPECT_EQ(push("skip"), true);
  for (const char* mode : {"skip", "replace", "reschedule"}) EXPECT_EQ(push(mode), false) << mode;
}

TEST_F(cli_answers, a_command_named_like_a_built_in_handler_is_a_wrong_configuration) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("cascade_cli_" + std::to_string(::getpid()) + ".yaml");
  std::ofstream(file) << "handlers:\n  commands:\n    echo: [/bin/true]\n";
  std::istringstream in;
  std::ostringstream out, err;
  const std::string path = file.string();
  const char* argv[] = {"cascade", "config", "check", path.c_str()};
  EXPECT_EQ(run_cascade(4, argv, in, out, err), 2);
  EXPECT_THAT(err.str(), HasSubstr("handler echo is built in"));
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace cascade
