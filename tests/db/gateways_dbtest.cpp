// The gateway's connections: how many there are, whatever order its timers and losses come in.
#include "actors/gateway.hpp"

#include <gmock/gmock.h>

#include "tests/support/database_test.hpp"

namespace cascade {
namespace {

struct gateways : database_test {
  gateway_actor actor;
  pg::connection other = database.connect();  // another node
  database_changed last;
  database_user user;

  gateways() {
    user = spawn_part<database_user>([this](auto*) {
      return database_user::behavior_type{[this](const database_changed& c) { last = c; }};
    });
  }
  ~gateways() override { end_database(); }

  void run() {
    actor = keep(spawn_gateway(sys, context()));
    tell(user, actor, attach_database{});
    settle();
  }
  std::string state() { return ask<description>(actor, describe{})->state; }
  std::string sessions(const std::string& name) {
    return value(
        "select count(*) from pg_stat_activity where datname = current_database() and "
        "application_name = 'cascade " +
        name + "'");
  }
  void lanes_elsewhere() { must(other.exec(sql::acquire_lanes.text)); }
};

TEST_F(gateways, owns_the_lanes_with_one_reader_and_its_writers) {
  run();
  until([&] { return last.up; });
  EXPECT_EQ(sessions("reader"), "1");
  EXPECT_EQ(sessions("writer"), std::to_string(writers()));
}

TEST_F(gateways, a_try_of_a_lost_connection_opens_no_second_one) {
  lanes_elsewhere();
  run();
  until([&] { return state() == "standby"; });  // it will try again in 50 ms
  end_sessions("reader");
  until([&] { return state() == "connecting"; });
  // The try of the lost connection falls into the first steps of the new one.
  for (int i = 0; i < 40; ++i) {
    elapse(5ms);
    io.poll();
    settle();
  }
  until([&] { return state() == "standby"; });
  EXPECT_EQ(sessions("reader"), "1");
  EXPECT_EQ(sessions("writer"), std::to_string(writers()));
  must(other.exec_text("select pg_advisory_unlock_all()"));
  elapse(2s);
  until([&] { return last.up; });
}

TEST_F(gateways, what_is_opened_closes_what_was_open_and_who_ends_late_closes_nothing_else) {
  connect();
  const auto first = port->reader();
  const auto opening = port->open(nullptr, {});
  bool refused = false;
  std::vector<pg::statement> any;
  any.emplace_back(sql::unlock_all);
  first->submit(std::move(any), pg::deadline::in(60s),
                [&refused](const pg::batch_reply& reply) { refused = !reply; });
  until([&] { return refused; });
  connect();
  port->close(opening);
  EXPECT_NE(port->reader(), nullptr);
}

}  // namespace
}  // namespace cascade
