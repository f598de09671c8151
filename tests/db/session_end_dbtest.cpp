// Every way a session can end, and who may use it meanwhile.
#include "tests/support/postgres_session.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

using namespace std::chrono_literals;
using namespace cascade::test;
using cascade::errc;
namespace pg = cascade::pg;

namespace {
struct session_end : session_fixture {};
}  // namespace

TEST_F(session_end, a_passed_deadline_ends_the_session_and_fails_everything) {
  open();
  submit(pg::statement{"select pg_catalog.pg_sleep(50)"}, pg::deadline::in(200ms));
  submit(pg::statement{count_numbers});
  wait_replies(2);
  for (auto& r : replies) {
    EXPECT_EQ(r.error().code, errc::deadline_exceeded);
    EXPECT_TRUE(r.error().outcome_unknown);
  }
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].code, errc::deadline_exceeded);
  submit(pg::statement{count_numbers});
  wait_replies(3);
  EXPECT_EQ(replies[2].error().code, errc::deadline_exceeded);
  EXPECT_FALSE(replies[2].error().outcome_unknown);
  EXPECT_EQ(lost.size(), 1u);
  EXPECT_EQ(s->queued(), 0u);
}

TEST_F(session_end, a_killed_backend_is_reported_with_the_servers_words) {
  open();
  submit(insert(1));
  submit(pg::statement{"select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())"});
  submit(insert(2));
  wait_replies(3);
  EXPECT_TRUE(replies[0]);
  EXPECT_EQ(replies[1].error().code, errc::database_unavailable);
  EXPECT_EQ(replies[1].error().sqlstate, "57P01");
  EXPECT_EQ(replies[2].error().code, errc::database_unavailable);
  EXPECT_EQ(lost.size(), 1u);
  EXPECT_EQ(value_of(admin, "select string_agg(n::text, ',') from number"), "1");
}

TEST_F(session_end, an_idle_session_notices_that_its_backend_was_killed) {
  open();
  until([&] { return ready; });
  run_sql("select pg_terminate_backend(" + std::to_string(s->backend_pid()) + ")");
  until([&] { return !lost.empty(); });
  EXPECT_EQ(lost[0].code, errc::database_unavailable);
  EXPECT_EQ(lost[0].sqlstate, "57P01");
}

TEST_F(session_end, close_fails_what_is_outstanding_and_tells_no_loss) {
  auto o = options();
  o.in_flight_max = 1;
  open(o);
  until([&] { return ready; });
  submit(pg::statement{"select pg_catalog.pg_sleep(50)"});
  submit(insert(1));
  s->close();
  s->close();
  wait_replies(2);
  EXPECT_EQ(replies[0].error().code, errc::shutting_down);
  EXPECT_TRUE(replies[0].error().outcome_unknown);
  EXPECT_EQ(replies[1].error().code, errc::shutting_down);
  EXPECT_FALSE(replies[1].error().outcome_unknown);
  submit(insert(2));
  wait_replies(3);
  EXPECT_EQ(replies[2].error().code, errc::shutting_down);
  EXPECT_TRUE(lost.empty());
}

TEST_F(session_end, an_unknown_role_is_a_loss_and_runs_nothing) {
  auto o = options();
  o.role = "no_such_role";
  open(o);
  submit(insert(1));
  wait_replies(1);
  EXPECT_EQ(replies[0].error().code, errc::database_rejected);
  EXPECT_FALSE(ready);
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].sqlstate, "22023");
  EXPECT_EQ(value_of(admin, "select count(*)::text from number"), "0");
}

TEST_F(session_end, a_server_that_never_answers_runs_into_the_connect_deadline) {
  namespace fs = std::filesystem;
  const auto dir = fs::temp_directory_path() / ("cascade_mute_" + std::to_string(::getpid()));
  fs::create_directories(dir);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (dir / ".s.PGSQL.5432").string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int mute = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(mute, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(mute, 5), 0);
  auto o = options();
  o.conninfo = "port=5432 user=x dbname=x host=" + dir.string();
  o.connect_deadline = 100ms;
  open(o);
  submit(insert(1));
  wait_replies(1);
  EXPECT_EQ(replies[0].error().code, errc::deadline_exceeded);
  EXPECT_FALSE(replies[0].error().outcome_unknown);
  EXPECT_EQ(lost.size(), 1u);
  ::close(mute);
  fs::remove_all(dir);
}

TEST_F(session_end, no_failure_repeats_the_password) {
  for (const std::string bad : {"password=s3cret nonsense s3cret", "postgres://u:s3cret@%zz/x",
                                "host=/nonexistent password=s3cret user=u dbname=d"}) {
    auto o = options();
    o.conninfo = bad;
    lost.clear();
    open(o);
    until([&] { return !lost.empty(); });
    EXPECT_EQ(pg::to_string(lost[0]).find("s3cret"), std::string::npos) << pg::to_string(lost[0]);
  }
}

TEST_F(session_end, batches_may_come_from_any_thread_and_from_callbacks) {
  open();
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 250; ++i)
        s->submit(insert(t * 1'000 + i), pg::deadline::in(60s), [&](pg::batch_reply r) {
          EXPECT_TRUE(r);
          if (++answered % 100 == 0)
            s->submit(pg::statement{count_numbers}, pg::deadline::in(60s), [](pg::batch_reply) {});
        });
    });
  until([&] { return answered == 1'000; });
  for (auto& t : threads) t.join();
  EXPECT_EQ(value_of(admin, "select count(*)::text from number"), "1000");
}
