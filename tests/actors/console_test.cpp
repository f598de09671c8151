#include "actors/console.hpp"

#include <nlohmann/json.hpp>

#include "actors/console_format.hpp"
#include "tests/actors/supervisor_fixture.hpp"

namespace cascade {
namespace {

using json = nlohmann::json;
using ::testing::HasSubstr;

console_provider::behavior_type echo(console_provider::pointer, bool answers) {
  return {[answers](const console_query& m) -> caf::result<console_answer> {
    if (!answers) return caf::make_error(errc::database_unavailable);
    return console_answer{"you said " + m.argument + "\n", R"({"said":")" + m.argument + R"("})"};
  }};
}

class console_test : public supervisor_test {
public:
  std::map<std::uint64_t, json> answers;
  console_actor console;

  void open() {
    run(restart_strategy::one_for_one,
        {child("gateway"),
         supervisor_child(
             {"engine", restart_strategy::one_for_one, 3, 10s, {child("scheduler")}})});
    console_options options;
    options.root = root;
    options.providers["jobs"] = sys.spawn(echo, true);
    options.providers["queues"] = sys.spawn(echo, false);
    options.help["jobs"] = "the latest jobs";
    options.reply = [this](std::uint64_t connection, std::string line) {
      answers[connection] = json::parse(line);
    };
    providers = options.providers;
    console = spawn_console(sys, std::move(options));
    settle();
  }

  ~console_test() override {
    for (auto& [command, handle] : providers)
      send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(handle), caf::exit_reason::kill);
    send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(console), caf::exit_reason::kill);
    settle();
  }

  json send(std::string line) {
    answers.clear();
    self->send(console, console_line{7, std::move(line)});
    settle();
    return answers.contains(7) ? answers[7] : json();
  }
  json command(const std::string& text, bool with_data = true) {
    return send(json{{"command", text}, {"json", with_data}}.dump());
  }

private:
  std::map<std::string, console_provider> providers;
};

TEST_F(console_test, help_lists_commands_and_providers) {
  open();
  auto answer = command("help");
  EXPECT_EQ(answer["ok"], true);
  EXPECT_THAT(answer["text"].get<std::string>(), HasSubstr("jobs     the latest jobs\n"));
  EXPECT_EQ(answer["data"].size(), 7u);
}

TEST_F(console_test, tree_draws_the_supervision_tree) {
  open();
  kill("gateway");
  const auto text = command("tree")["text"].get<std::string>();
  EXPECT_THAT(text, HasSubstr("├─ gateway  worker #" + std::to_string(actors["gateway"]->id()) +
                              "  idle  (restarted 1 time)\n└─ engine  supervisor #"));
  EXPECT_THAT(text, HasSubstr("   └─ scheduler  worker #"));
}

TEST_F(console_test, ps_lists_every_actor_with_its_path) {
  open();
  auto answer = command("ps");
  EXPECT_THAT(answer["text"].get<std::string>(),
              HasSubstr("root/engine/scheduler  worker      idle"));
  EXPECT_EQ(answer["data"].size(), 4u);
  EXPECT_EQ(answer["data"][3]["detail"]["n"], 1);
}

TEST_F(console_test, data_is_sent_only_when_asked_for) {
  open();
  EXPECT_TRUE(command("ps", false)["data"].is_null());
}

TEST_F(console_test, show_asks_one_actor) {
  open();
  auto answer = command("show " + std::to_string(actors["scheduler"]->id()));
  EXPECT_EQ(answer["data"]["path"], "root/engine/scheduler");
  EXPECT_THAT(answer["text"].get<std::string>(), HasSubstr("state  idle\n"));
  EXPECT_EQ(command("show " + std::to_string(root.id()))["data"]["name"], "root");
}

TEST_F(console_test, a_killed_actor_is_brought_back_by_its_supervisor) {
  open();
  const auto before = actors["scheduler"]->id();
  auto answer = command("kill " + std::to_string(before));
  EXPECT_EQ(answer["ok"], true);
  EXPECT_EQ(starts["scheduler"], 2);
  EXPECT_NE(actors["scheduler"]->id(), before);
}

TEST_F(console_test, what_is_not_in_the_tree_is_not_killed) {
  open();
  for (const auto id : {console.id(), root.id(), caf::actor_id{999999}}) {
    auto answer = command("kill " + std::to_string(id));
    EXPECT_EQ(answer["ok"], false);
    EXPECT_THAT(answer["text"].get<std::string>(), HasSubstr("no actor"));
  }
  EXPECT_FALSE(gone(root));
}

TEST_F(console_test, an_id_is_a_number) {
  open();
  for (const auto* text :
       {"kill", "kill root", "kill -1", "kill 1x", "show 0", "kill 99999999999999999999999"})
    EXPECT_EQ(command(text)["ok"], false) << text;
}

TEST_F(console_test, a_provider_answers_its_command) {
  open();
  auto answer = command("  jobs   failed today ");
  EXPECT_EQ(answer["text"], "you said failed today\n");
  EXPECT_EQ(answer["data"]["said"], "failed today");
  answer = command("queues");
  EXPECT_EQ(answer["ok"], false);
  EXPECT_EQ(answer["text"], "queues: the database is not reachable");
}

TEST_F(console_test, an_unknown_command_gets_a_suggestion) {
  open();
  EXPECT_EQ(command("tre")["text"], "unknown command; did you mean tree?");
  EXPECT_EQ(command("hlep")["text"], "unknown command; did you mean help?");
  EXPECT_EQ(command("frobnicate")["text"], "unknown command; try help");
  EXPECT_EQ(command("")["ok"], false);
}

TEST_F(console_test, anything_but_a_request_is_refused) {
  open();
  for (const auto* line :
       {"", "tree", "[]", "{", "{}", R"({"command":1})", "\xff\xfe", R"({"command":"\ud800"})"})
    EXPECT_EQ(send(line)["ok"], false) << line;
  EXPECT_EQ(send(std::string(60'000, '['))["ok"], false);
  EXPECT_EQ(command("help")["ok"], true);
}

TEST_F(console_test, a_silent_root_is_reported_in_time) {
  scripts["scheduler"].answers = false;
  open();
  self->send(console, console_line{7, R"({"command":"tree"})"});
  elapse(399ms);
  EXPECT_TRUE(answers.empty());
  elapse(1ms);
  EXPECT_THAT(answers[7]["text"].get<std::string>(), HasSubstr("scheduler"));
  EXPECT_THAT(answers[7]["text"].get<std::string>(), HasSubstr("no answer"));
}

TEST_F(console_test, the_console_describes_itself) {
  open();
  command("help");
  auto d = ask<description>(console, describe{});
  ASSERT_TRUE(d);
  EXPECT_EQ(json::parse(d->detail)["answered"], 1);
}

// -- formatting -----------------------------------------------------------------------------------

TEST(console_format, numbers_are_right_aligned_and_umlauts_are_one_wide) {
  EXPECT_EQ(format_table({"ID", "NAME", "X"}, {{"7", "käse", "a"}, {"12", "b"}}),
            "ID  NAME  X\n 7  käse  a\n12  b\n");
}

TEST(console_format, an_empty_table_is_its_header) {
  EXPECT_EQ(format_table({"A", "B"}, {}), "A  B\n");
}

TEST(console_format, omitted_children_are_counted) {
  description d;
  d.name = "jobs";
  d.kind = "supervisor";
  d.state = "running";
  d.children.push_back({"j1", "worker", 5, "idle", "", 0, true, 0, {}});
  d.children_omitted = 9;
  EXPECT_EQ(format_tree(d), "jobs  supervisor  running\n├─ j1  worker #5  idle\n└─ and 9 more\n");
}

TEST(console_format, detail_that_is_not_json_is_shown_as_it_is) {
  description d;
  d.detail = "{oops";
  EXPECT_THAT(format_actor("a/b", d), HasSubstr("{oops"));
  EXPECT_EQ(tree_json(d)["detail"], "{oops");
}

}  // namespace
}  // namespace cascade
