// The private cluster from its first start to its adoption, on real processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "pg/connection.hpp"
#include "pg/data_dir_lock.hpp"
#include "pg/embedded.hpp"
#include "tests/support/postgres.hpp"

using namespace std::chrono_literals;
using cascade::test::must;
using cascade::test::value_of;
using testing::HasSubstr;
namespace fs = std::filesystem;
namespace pg = cascade::pg;

namespace {

pg::embedded_settings settings() {
  pg::embedded_settings s;
  s.server = {{"fsync", "off"}, {"max_connections", "30"}, {"shared_buffers", "16MB"}};
  return s;
}

struct embedded : testing::Test {
  fs::path dir = fs::temp_directory_path() / ("cascade_embedded_" + std::to_string(::getpid()));
  std::unique_ptr<pg::embedded_cluster> cluster;

  embedded() { renew(settings()); }
  ~embedded() override {
    if (cluster) cluster->stop(pg::deadline::in(20s));
    fs::remove_all(dir);
  }
  void renew(pg::embedded_settings s) {
    cluster = std::make_unique<pg::embedded_cluster>(dir, std::move(s));
  }
  void start() {
    const auto why = cluster->start(pg::deadline::in(60s));
    ASSERT_FALSE(why) << pg::to_string(*why);
  }
  std::string ask(const std::string& sql) {
    auto c = must(pg::connection::connect(cluster->conninfo()));
    return value_of(c, sql);
  }
};

}  // namespace

TEST_F(embedded, a_new_directory_becomes_a_private_server) {
  start();
  EXPECT_EQ(ask("select current_database()"), "cascade");
  EXPECT_EQ(ask("show server_encoding"), "UTF8");
  EXPECT_EQ(ask("show data_checksums"), "on");
  EXPECT_EQ(ask("show listen_addresses"), "");
  EXPECT_EQ(ask("show jit"), "off");
  EXPECT_EQ(ask("show max_connections"), "30");
  struct stat s {};
  ASSERT_EQ(::stat((dir / "run").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777u, 0700u);
  if (::geteuid() == 0) {
    EXPECT_NE(s.st_uid, 0u);
    ASSERT_EQ(::stat(dir.c_str(), &s), 0);
    EXPECT_EQ(s.st_uid, 0u);
  }
  EXPECT_TRUE(cluster->alive());
  EXPECT_NE(::getsid(cluster->pid()), ::getsid(0));
}

TEST_F(embedded, stop_is_fast_with_clients_connected_and_a_restart_keeps_the_data) {
  start();
  auto client = must(pg::connection::connect(cluster->conninfo()));
  must(client.exec_text("create table kept (n int); insert into kept values (7)"));
  bool seen = false;
  std::thread watcher([&] { seen = cluster->wait_exit(pg::deadline::in(60s)); });
  EXPECT_EQ(cluster->stop(pg::deadline::in(30s)), pg::embedded_cluster::ending::fast);
  watcher.join();
  EXPECT_TRUE(seen);
  EXPECT_FALSE(cluster->alive());
  EXPECT_EQ(cluster->stop(pg::deadline::in(1s)), pg::embedded_cluster::ending::fast);
  start();
  EXPECT_FALSE(cluster->adopted());
  EXPECT_EQ(ask("select n::text from kept"), "7");
}

TEST_F(embedded, a_server_that_outlived_its_service_is_adopted) {
  start();
  const auto pid = cluster->pid();
  renew(settings());  // as after kill -9: nobody stopped the server
  start();
  EXPECT_TRUE(cluster->adopted());
  EXPECT_EQ(cluster->pid(), pid);
  EXPECT_EQ(cluster->stop(pg::deadline::in(30s)), pg::embedded_cluster::ending::fast);
}

TEST_F(embedded, a_leftover_that_does_not_answer_is_ended_and_started_anew) {
  start();
  const auto pid = cluster->pid();
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  auto s = settings();
  s.adopt_deadline = 100ms;
  renew(s);
  start();
  EXPECT_FALSE(cluster->adopted());
  EXPECT_NE(cluster->pid(), pid);
  EXPECT_EQ(ask("select 'well'"), "well");
}

TEST_F(embedded, a_killed_server_is_noticed_and_recovers) {
  start();
  ASSERT_EQ(::kill(cluster->pid(), SIGKILL), 0);
  EXPECT_TRUE(cluster->wait_exit(pg::deadline::in(30s)));
  start();
  EXPECT_EQ(ask("select 'well'"), "well");
}

TEST_F(embedded, a_stale_pid_file_that_names_another_process_is_no_obstacle) {
  start();
  cluster->stop(pg::deadline::in(30s));
  std::ofstream(dir / "postgres" / "postmaster.pid") << ::getpid() << "\n"
                                                     << (dir / "postgres").string() << "\n";
  start();
  EXPECT_EQ(ask("select 'well'"), "well");
}

TEST_F(embedded, a_torn_initdb_is_redone) {
  fs::create_directories(dir / "postgres.new" / "base");
  std::ofstream(dir / "postgres.new" / "PG_VERSION") << "15\n";
  start();
  EXPECT_FALSE(fs::exists(dir / "postgres.new"));
}

TEST_F(embedded, a_directory_of_somebody_else_is_left_alone) {
  fs::create_directories(dir / "postgres");
  std::ofstream(dir / "postgres" / "diary.txt") << "dear";
  const auto why = cluster->start(pg::deadline::in(60s));
  ASSERT_TRUE(why);
  EXPECT_THAT(why->message, HasSubstr("not a Postgres data directory"));
  EXPECT_TRUE(fs::exists(dir / "postgres" / "diary.txt"));
}

TEST_F(embedded, a_version_that_is_not_installed_is_named) {
  fs::create_directories(dir / "postgres");
  std::ofstream(dir / "postgres" / "PG_VERSION") << "9\n";
  const auto why = cluster->start(pg::deadline::in(60s));
  ASSERT_TRUE(why);
  EXPECT_THAT(why->message, HasSubstr("version 9"));
}

TEST_F(embedded, a_server_that_cannot_start_is_reported_with_its_log) {
  auto s = settings();
  s.server.emplace_back("shared_buffers", "nonsense");
  renew(s);
  const auto why = cluster->start(pg::deadline::in(60s));
  ASSERT_TRUE(why);
  EXPECT_THAT(why->detail, HasSubstr("shared_buffers"));
}

TEST_F(embedded, a_long_path_gets_its_socket_elsewhere) {
  const auto base = dir;
  dir = base / std::string(120, 'd');
  renew(settings());
  start();
  EXPECT_EQ(ask("select 'well'"), "well");
  EXPECT_FALSE(fs::exists(dir / "run"));
  cluster->stop(pg::deadline::in(20s));
  dir = base;
}

TEST_F(embedded, a_parent_that_cannot_be_passed_is_named) {
  if (::geteuid() != 0) GTEST_SKIP() << "Postgres runs as ourselves";
  fs::create_directories(dir / "closed");
  fs::permissions(dir / "closed", fs::perms::owner_all);
  pg::embedded_cluster inner(dir / "closed" / "data", settings());
  const auto why = inner.start(pg::deadline::in(60s));
  ASSERT_TRUE(why);
  EXPECT_THAT(why->message, HasSubstr((dir / "closed").string()));
  EXPECT_THAT(why->hint, HasSubstr("chmod"));
}

TEST_F(embedded, a_second_lock_is_refused_with_the_holders_number) {
  fs::create_directories(dir);
  {
    auto first = pg::data_dir_lock::take(dir);
    ASSERT_TRUE(first);
    const auto second = pg::data_dir_lock::take(dir);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(::getpid())));
    start();  // the server must not inherit the lock
  }
  EXPECT_TRUE(pg::data_dir_lock::take(dir));
}
