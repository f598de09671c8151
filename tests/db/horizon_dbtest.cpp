// Tasks that wait for their time: those beyond the horizon are not brought in, and each comes once
// when the horizon reaches it. docs/adr/0008-horizon.md
#include <random>

#include "tests/db/inbox_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::Key;
using testing::Pair;

struct horizon : inbox_fixture {
  horizon() { settings.horizon = 300ms; }

  void insert_due(const std::string& in) {
    run_sql(
        "insert into cascade.task (handler, run_at) values ('noop', clock_timestamp() + "
        "interval '" +
        in + "')");
  }
  // Virtual time goes on, so that the inbox polls, while real time goes on in the database.
  void take_pages() {
    elapse(5s);
    round_trip();
    while (!scheduler.pages.empty()) {
      const std::string now =
          value("select (extract(epoch from clock_timestamp()) * 1000000)::bigint");
      for (const arrival& a : scheduler.pages.front().page.tasks)
        EXPECT_LE(a.due.value_or(instant{}), instant_of(std::stoll(now)) + 300ms) << a.id.value;
      take_page();
      round_trip();
    }
  }
};

TEST_F(horizon, what_is_due_later_is_not_loaded_and_not_read) {
  insert_due("1 hour");
  insert_due("250 ms");
  insert_due("0 s");
  run();
  EXPECT_THAT(seen, ElementsAre(Pair(2, 1), Pair(3, 1)));
  insert_due("2 hours");
  insert_due("-1 s");
  for (int i = 0; i < 20; ++i) take_pages();
  EXPECT_THAT(seen, ElementsAre(Key(2), Key(3), Key(5)));
}

TEST_F(horizon, each_comes_once_when_its_time_is_near) {
  settings.inbox_page_rows = 10;
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::minstd_rand random(seed);
  const auto some = [&] {
    run_sql(
        "insert into cascade.task (handler, run_at) select 'noop', clock_timestamp() + "
        "random() * interval '1.5 s' from generate_series(1, " +
        std::to_string(1 + random() % 25) + ")");
  };
  some();
  run();
  auto other = database.connect();
  for (int i = 0; i < 10; ++i) {
    // Some transactions are open while the edge moves.
    if (random() % 2 == 0) {
      must(
          other.exec_text("begin; insert into cascade.task (handler, run_at) values ('noop', "
                          "clock_timestamp() + interval '500 ms')"));
      some();
      take_pages();
      must(other.exec_text("commit"));
    } else {
      some();
    }
    take_pages();
  }
  const auto all = static_cast<std::size_t>(number("select count(*) from cascade.task"));
  const auto net = pg::deadline::in(30s);
  while (seen.size() < all && !net.passed()) take_pages();
  for (int i = 0; i < 3; ++i) take_pages();
  expect_all_seen_once();
}

TEST_F(horizon, a_retry_that_waits_long_comes_back_like_a_task_that_is_new) {
  insert(2);
  run();
  EXPECT_THAT(seen, ElementsAre(Pair(1, 1), Pair(2, 1)));
  auto engine = database.connect("cascade_engine");
  const std::vector<std::int64_t> ids{1, 2}, ages{0, 0};
  const std::int64_t soon = number("select cascade.instant_us(now() + interval '10 s')");
  const std::vector<std::int64_t> run_at{soon, soon + 1};
  const std::vector<char> snoozed{false, false}, forgotten{false, true};
  const auto flag = [](char c) { return c != 0; };
  const std::vector<std::int16_t> attempts{1, 1};
  const std::vector<std::string> errors{"a", "b"};
  must(engine.exec(sql::back_off.text, pg::params{}
                                           .int8s(ids)
                                           .int2s(attempts)
                                           .int8s(run_at)
                                           .texts(errors)
                                           .int8s(ages)
                                           .int8s(ages)
                                           .int8(1)
                                           .booleans(snoozed, flag)
                                           .booleans(forgotten, flag)
                                           .int8(std::nullopt)));
  EXPECT_EQ(value("select string_agg((xid = (select max(xid) from cascade.task))::text, ' ' order "
                  "by id) from cascade.task"),
            "false true");
}

}  // namespace
}  // namespace cascade
