// The console's socket with real connections.
#include <sys/wait.h>

#include <fstream>

#include "actors/console_link.hpp"
#include "tests/actors/console_socket_fixture.hpp"

namespace cascade {
namespace {

using ::testing::HasSubstr;
using console_server_test = console_socket_test;

TEST_F(console_server_test, answers_line_by_line) {
  ASSERT_EQ(listen(), "");
  raw_socket client;
  ASSERT_TRUE(client.connect(options.path));
  EXPECT_EQ(client.ask("tree"), "tree");
  EXPECT_EQ(client.ask("ps"), "ps");
  client.send(
      "{\"command\":\"a\"}\n{\"command\":\"b\"}\n");  // several at once: one after the other
  EXPECT_THAT(client.line(), HasSubstr("\"a\""));
  EXPECT_THAT(client.line(), HasSubstr("\"b\""));
}

TEST_F(console_server_test, keeps_the_socket_to_its_owner) {
  ASSERT_EQ(listen(), "");
  EXPECT_EQ(mode(options.path), 0600u);
  EXPECT_EQ(mode(options.path.parent_path()), 0700u);
}

TEST_F(console_server_test, does_not_talk_to_another_user) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  ASSERT_EQ(listen(), "");
  // Whatever the files allow: the peer's uid decides.
  for (const auto& each : {directory, options.path.parent_path()}) ::chmod(each.c_str(), 0755);
  ::chmod(options.path.c_str(), 0666);
  const auto child = ::fork();
  if (child == 0) {
    if (::setuid(65534) != 0) ::_exit(3);
    raw_socket client;
    if (!client.connect(options.path)) ::_exit(2);
    ::_exit(client.line() == "closed" ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(console_server_test, refuses_a_directory_that_is_open_to_others) {
  fs::create_directories(options.path.parent_path());
  ::chmod(options.path.parent_path().c_str(), 0755);
  EXPECT_THAT(listen(), HasSubstr("0700"));
}

TEST_F(console_server_test, refuses_a_path_that_does_not_fit_into_an_address) {
  options.path = directory / std::string(200, 'x') / "s";
  EXPECT_THAT(listen(), HasSubstr("too long"));
}

TEST_F(console_server_test, removes_its_socket_when_it_closes) {
  ASSERT_EQ(listen(), "");
  on_io([this] { server->close(); });
  EXPECT_FALSE(fs::exists(options.path));
  EXPECT_EQ(listen(), "");
}

TEST_F(console_server_test, replaces_a_stale_socket) {
  ::mkdir(options.path.parent_path().c_str(), 0700);
  ASSERT_TRUE(raw_socket().bind(options.path));
  EXPECT_EQ(listen(), "");
}

TEST_F(console_server_test, leaves_a_living_socket_alone) {
  ::mkdir(options.path.parent_path().c_str(), 0700);
  raw_socket living;
  ASSERT_TRUE(living.bind(options.path) && living.listen());
  EXPECT_THAT(listen(), HasSubstr("somebody answers"));
  EXPECT_TRUE(fs::exists(options.path));
}

TEST_F(console_server_test, two_servers_never_share_a_path) {
  ASSERT_EQ(listen(), "");
  auto first = server;
  EXPECT_THAT(listen(), HasSubstr("another node"));
  raw_socket client;
  ASSERT_TRUE(client.connect(options.path));
  EXPECT_EQ(client.ask("x"), "x");
  on_io([&] {
    first->close();
    first = nullptr;
  });
}

TEST_F(console_server_test, does_not_remove_a_file_that_is_no_socket) {
  ::mkdir(options.path.parent_path().c_str(), 0700);
  std::ofstream(options.path) << "precious";
  EXPECT_THAT(listen(), HasSubstr("not a socket"));
  EXPECT_TRUE(fs::exists(options.path));
}

TEST_F(console_server_test, bounds_its_connections) {
  options.connections_max = 2;
  ASSERT_EQ(listen(), "");
  raw_socket a, b, c;
  ASSERT_TRUE(a.connect(options.path));
  EXPECT_EQ(a.ask("x"), "x");
  ASSERT_TRUE(b.connect(options.path));
  EXPECT_EQ(b.ask("x"), "x");
  ASSERT_TRUE(c.connect(options.path));
  EXPECT_THAT(c.line(), HasSubstr("too many connections"));
  EXPECT_EQ(c.line(), "closed");
  EXPECT_EQ(a.ask("still here"), "still here");
}

TEST_F(console_server_test, bounds_a_line) {
  options.line_bytes_max = 1000;
  ASSERT_EQ(listen(), "");
  raw_socket client;
  ASSERT_TRUE(client.connect(options.path));
  EXPECT_EQ(client.ask(std::string(900, 'x')), std::string(900, 'x'));
  client.send(std::string(1001, 'x'));
  EXPECT_THAT(client.line(), HasSubstr("at most 1000 bytes"));
  EXPECT_EQ(client.line(), "closed");
}

TEST_F(console_server_test, closes_an_idle_connection) {
  options.idle_max = 50ms;
  ASSERT_EQ(listen(), "");
  raw_socket client;
  ASSERT_TRUE(client.connect(options.path));
  EXPECT_EQ(client.ask("x"), "x");
  EXPECT_EQ(client.line(), "closed");
}

TEST_F(console_server_test, a_late_answer_is_not_taken_for_the_next_one) {
  options.answer_within = 50ms;
  ASSERT_EQ(listen(), "");
  raw_socket client;
  ASSERT_TRUE(client.connect(options.path));
  EXPECT_EQ(client.ask("hang"), "no answer in time");
  EXPECT_EQ(client.ask("x"), "x");
}

TEST_F(console_server_test, survives_a_client_that_leaves_before_its_answer) {
  ASSERT_EQ(listen(), "");
  {
    raw_socket client;
    ASSERT_TRUE(client.connect(options.path));
    client.send("{\"command\":\"hang\"}\n");
  }
  raw_socket client;
  ASSERT_TRUE(client.connect(options.path));
  EXPECT_EQ(client.ask("x"), "x");
}

// -- with the console actor -----------------------------------------------------------------------

struct real_config : caf::actor_system_config {
  real_config() { add_message_types<caf::id_block::cascade>(); }
};

TEST_F(console_server_test, carries_lines_to_the_console_actor_and_its_answers_back) {
  server = std::make_shared<console_server>(io, options);
  console_options console;
  link_console(server, console);
  real_config config;
  caf::actor_system system{config};
  const auto quiet = [](const supervision_event&) {};
  supervisor_spec spec{"root", restart_strategy::one_for_one, 3, 10s, {}};
  auto root = spawn_supervisor(system, spec, {quiet, {}});
  console.root = root;
  caf::scoped_actor self{system};
  const auto attached = std::make_shared<std::promise<void>>();
  console.attach = [inner = console.attach, attached](console_actor me) {
    inner(me);
    attached->set_value();
  };
  self->request(root, 5s, start_child{console_child(console)})
      .receive([](child_started&) {}, [](caf::error& e) { FAIL() << error_text(e); });
  attached->get_future().wait();
  ASSERT_EQ(on_io([this] { return server->listen(); }), "");
  raw_socket client;
  ASSERT_TRUE(client.connect(options.path));
  EXPECT_THAT(client.ask("tree"), HasSubstr("└─ console  worker #"));
  EXPECT_THAT(client.ask("nonsense"), HasSubstr("unknown command"));
  self->send_exit(root, caf::exit_reason::user_shutdown);
  self->wait_for(root);
  on_io([] {});
  EXPECT_THAT(client.ask("tree"), HasSubstr("try again"));
}

}  // namespace
}  // namespace cascade
