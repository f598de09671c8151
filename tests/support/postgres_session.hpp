// tests/support/postgres_session.hpp
//
// Fixture of the session's tests: a database, an io_context that the test itself runs, and what
// came back.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "pg/session.hpp"
#include "tests/support/postgres.hpp"

namespace cascade::test {

inline constexpr sql::query insert_number{"insert_number", "insert into number (n) values ($1)"};
inline constexpr sql::query count_numbers{"count_numbers", "select count(*) from number"};

struct session_fixture : testing::Test {
  test_database database{test_database::schema::none};
  pg::connection admin = database.connect();
  boost::asio::io_context io;
  std::shared_ptr<pg::session> s;
  bool ready = false;
  std::vector<pg::failure> lost;
  std::vector<pg::batch_reply> replies;

  session_fixture() { run_sql("create table number (n bigint primary key)"); }
  ~session_fixture() override {
    if (s) s->close();
    io.restart();
    io.run();
  }

  void run_sql(const std::string& sql) { must(admin.exec_text(sql)); }

  pg::session_options options() const {
    pg::session_options o;
    o.conninfo = database.conninfo();
    o.name = "session test";
    return o;
  }
  void open(pg::session_options o) {
    s = pg::session::make(io, std::move(o));
    s->start([this] { ready = true; }, [this](pg::failure f) { lost.push_back(std::move(f)); });
  }
  void open() { open(options()); }

  // The deadline is the net of the test itself: what is waited for comes, or the test fails.
  template <class P>
  void until(P reached) {
    const auto net = pg::deadline::in(std::chrono::seconds{60});
    while (!reached() && !net.passed()) {
      if (io.stopped()) io.restart();
      io.run_one_for(net.left());
    }
    ASSERT_TRUE(reached());
  }
  void submit(std::vector<pg::statement> batch,
              pg::deadline by = pg::deadline::in(std::chrono::seconds{30})) {
    s->submit(std::move(batch), by, [this](pg::batch_reply r) { replies.push_back(std::move(r)); });
  }
  void submit(pg::statement one, pg::deadline by = pg::deadline::in(std::chrono::seconds{30})) {
    s->submit(std::move(one), by, [this](pg::batch_reply r) { replies.push_back(std::move(r)); });
  }
  void wait_replies(std::size_t n) {
    until([&] { return replies.size() >= n; });
    ASSERT_EQ(replies.size(), n);
  }
  static pg::statement insert(std::int64_t n) { return {insert_number, pg::params{}.int8(n)}; }
  template <class... S>
  static std::vector<pg::statement> batch(S... statements) {
    std::vector<pg::statement> out;
    (out.push_back(std::move(statements)), ...);
    return out;
  }
};

}  // namespace cascade::test
