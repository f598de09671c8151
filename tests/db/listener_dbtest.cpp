// The listening connection: hears, proves itself, and comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include "pg/conninfo.hpp"
#include "pg/listener.hpp"
#include "tests/support/postgres.hpp"

using namespace std::chrono_literals;
using cascade::errc;
using cascade::test::must;
namespace pg = cascade::pg;

namespace {

struct listener : testing::Test {
  cascade::test::test_database database{cascade::test::test_database::schema::none};
  pg::connection admin = database.connect();
  boost::asio::io_context io;
  std::shared_ptr<pg::listener> l;
  std::vector<std::string> heard;
  std::vector<pg::failure> down;
  int up = 0;

  ~listener() override {
    if (l) l->stop();
    io.restart();
    io.run();
  }
  pg::listener_options options() const {
    pg::listener_options o;
    o.conninfo = database.conninfo();
    o.channels = {"cascade.doorbell", "Odd \"name\""};
    o.backoff_min = 1ms;
    o.backoff_max = 20ms;
    return o;
  }
  void open(pg::listener_options o) {
    l = pg::listener::make(io, std::move(o),
                           {[this](std::string_view channel, std::string_view payload) {
                              heard.push_back(std::string(channel) + ":" + std::string(payload));
                            },
                            [this] { ++up; }, [this](const pg::failure& f) { down.push_back(f); }});
    l->start();
  }
  template <class P>
  void until(P reached) {
    const auto net = pg::deadline::in(60s);
    while (!reached() && !net.passed()) {
      if (io.stopped()) io.restart();
      io.run_one_for(net.left());
    }
    ASSERT_TRUE(reached());
  }
};

}  // namespace

TEST_F(listener, hears_what_is_sent_after_it_is_up) {
  open(options());
  until([&] { return up == 1; });
  EXPECT_TRUE(l->up());
  must(admin.exec_text(
      "notify \"cascade.doorbell\"; notify \"Odd \"\"name\"\"\", 'ding'; notify other"));
  until([&] { return heard.size() == 2; });
  EXPECT_THAT(heard, testing::ElementsAre("cascade.doorbell:", "Odd \"name\":ding"));
  EXPECT_EQ(l->notifications(), 2u);
}

TEST_F(listener, comes_back_after_its_backend_was_killed) {
  open(options());
  for (int round = 1; round <= 3; ++round) {
    until([&] { return up == round; });
    must(admin.exec("select pg_terminate_backend($1)", pg::params{}.int4(l->backend_pid())));
    until([&] { return static_cast<int>(down.size()) == round; });
    EXPECT_EQ(down.back().code, errc::database_unavailable);
  }
  until([&] { return up == 4; });
  must(admin.exec_text("notify \"cascade.doorbell\", 'again'"));
  until([&] { return !heard.empty(); });
}

TEST_F(listener, proves_itself_alive_while_nothing_is_sent) {
  auto o = options();
  o.proof_every = 5ms;
  open(o);
  until([&] { return up == 1; });
  until([&] { return l->proofs() >= 5; });
  EXPECT_LT(l->since_proof(), 30s);
  EXPECT_TRUE(down.empty());
}

TEST_F(listener, finds_out_a_connection_that_is_open_but_dead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may stop the server's processes";
  auto o = options();
  o.proof_every = 10ms;
  o.proof_deadline = 100ms;
  open(o);
  until([&] { return up == 1; });
  const int pid = l->backend_pid();
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  until([&] { return down.size() == 1; });
  EXPECT_EQ(down[0].code, errc::deadline_exceeded);
  until([&] { return up == 2; });
  EXPECT_NE(l->backend_pid(), pid);
  ::kill(pid, SIGCONT);
}

TEST_F(listener, tells_once_that_a_server_is_not_there_and_keeps_trying) {
  auto o = options();
  o.conninfo = must(pg::with_setting(o.conninfo, "host", "/nonexistent"));
  open(o);
  until([&] { return l->attempts() >= 5; });
  EXPECT_EQ(down.size(), 1u);
  EXPECT_FALSE(l->up());
}
