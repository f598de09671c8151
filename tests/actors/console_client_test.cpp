// The client's blocking half (the prompt itself needs a terminal).
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/console_client.hpp"
#include "tests/actors/console_socket_fixture.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class console_client_test : public console_socket_test {
public:
  std::ostringstream out, err;
  console_connection connection{options.path, 10s};

  console_exit run(const std::string& command, bool with_json = false) {
    return run_console_command(connection, command, with_json, out, err);
  }
};

TEST_F(console_client_test, prints_the_text_of_an_answer) {
  ASSERT_EQ(listen(), "");
  EXPECT_EQ(run("tree"), console_exit::fine);
  EXPECT_EQ(out.str(), "tree\n");
}

TEST_F(console_client_test, prints_data_when_asked_for_json) {
  ASSERT_EQ(listen(), "");
  EXPECT_EQ(run("tree", true), console_exit::fine);
  EXPECT_EQ(json::parse(out.str()), json({{"said", "tree"}}));
}

TEST_F(console_client_test, tells_a_refusal_from_a_missing_node) {
  EXPECT_EQ(run("tree"), console_exit::unreachable);
  EXPECT_THAT(err.str(), HasSubstr("no node answers"));
  ASSERT_EQ(listen(), "");
  EXPECT_EQ(run("fail"), console_exit::refused);
  EXPECT_THAT(err.str(), HasSubstr("error: fail\n"));
  EXPECT_EQ(out.str(), "");
}

TEST_F(console_client_test, comes_back_after_a_restart_of_the_node) {
  ASSERT_EQ(listen(), "");
  EXPECT_EQ(run("a"), console_exit::fine);
  on_io([this] { server->close(); });
  ASSERT_EQ(listen(), "");
  EXPECT_EQ(run("b"), console_exit::fine);
  EXPECT_EQ(out.str(), "a\nb\n");
}

TEST_F(console_client_test, runs_every_line_of_a_pipe_and_reports_the_worst) {
  ASSERT_EQ(listen(), "");
  std::istringstream in("tree\n\n  \nfail\nps\nquit\nnever\n");
  EXPECT_EQ(run_console_commands(connection, in, false, out, err), console_exit::refused);
  EXPECT_EQ(out.str(), "tree\nps\n");
}

TEST_F(console_client_test, does_not_pass_on_control_characters) {
  ASSERT_EQ(listen(), "");
  EXPECT_EQ(run("a\033[2Jb\tc\r"), console_exit::fine);
  EXPECT_EQ(out.str(), "a[2Jb\tc\n");
}

TEST_F(console_client_test, is_not_fooled_by_another_kind_of_server) {
  ::mkdir(options.path.parent_path().c_str(), 0700);
  raw_socket other;
  ASSERT_TRUE(other.bind(options.path) && other.listen());
  console_connection impatient{options.path, 100ms};
  EXPECT_FALSE(impatient.ask("tree", false));
  EXPECT_EQ(impatient.why(), "no answer in time");
}

TEST_F(console_client_test, completes_commands_and_ids) {
  server = std::make_shared<console_server>(io, options);
  server->on_line([this](std::uint64_t request, std::string line) {
    const auto command = json::parse(line)["command"];
    auto data =
        command == "help"
            ? json::array({{{"command", "ps"}}, {{"command", "show"}}, {{"command", "sleep"}}})
            : json::array({{{"id", 12}}, {{"id", 13}}, {{"id", 2}}, {{"id", 0}}});
    server->answer(request, json{{"ok", true}, {"text", ""}, {"data", data}}.dump());
  });
  ASSERT_EQ(on_io([this] { return server->listen(); }), "");
  EXPECT_THAT(console_completions(connection, "s"), ElementsAre("show", "sleep"));
  EXPECT_THAT(console_completions(connection, "show 1"), ElementsAre("12", "13"));
  EXPECT_THAT(console_completions(connection, "kill "), ElementsAre("12", "13", "2"));
  EXPECT_THAT(console_completions(connection, "ps 1"), ElementsAre());
}

}  // namespace
}  // namespace cascade
