// The end of a recorder: what it has is committed, and the lanes are given back.
#include "tests/db/recorder_fixture.hpp"

namespace cascade {
namespace {

using testing::SizeIs;

struct recorder_drain : recorder_fixture {
  std::string lanes_and_writers() {
    return value(
        "select count(*) filter (where clean) || ' ' || (select count(*) from cascade.writer) from "
        "cascade.lane");
  }
};

TEST_F(recorder_drain, writes_what_it_has_gives_the_lanes_back_and_then_writes_nothing) {
  settings.batch_rows_max = 1;
  run();
  watch(actor);
  const auto tasks = make_tasks(4);
  for (std::size_t i = 0; i < 3; ++i) complete(tasks[i]);
  auto answer = begin_ask(actor, drain{5s});
  settle();
  EXPECT_EQ(lanes_and_writers(), "0 2");
  complete(tasks[3]);
  wait_answers(3);
  round_trip();
  EXPECT_EQ(take<drained>(answer)->left, 0u);
  EXPECT_EQ(lanes_and_writers(), "64 0");
  tell(sender, actor, uncounted_tasks{});
  live(20s, 500ms);
  EXPECT_THAT(answers, SizeIs(3));
  EXPECT_EQ(status_of(tasks[2]), "completed");
  EXPECT_EQ(status_of(tasks[3]), "pending");
  EXPECT_EQ(value("select bool_and(stopped_at is not null) from cascade.node"), "t");
  EXPECT_FALSE(ended()) << "a write would meet no fence";
}

TEST_F(recorder_drain, waits_for_a_lost_connection_as_long_as_it_may) {
  run();
  const auto tasks = make_tasks(2);
  lose_connection();
  complete(tasks[0]);
  auto answer = begin_ask(actor, drain{5s});
  elapse(4s);
  reconnect();
  round_trip();
  round_trip();
  EXPECT_EQ(take<drained>(answer)->left, 0u);
  EXPECT_EQ(status_of(tasks[0]), "completed");
  EXPECT_EQ(lanes_and_writers(), "64 0");
}

TEST_F(recorder_drain, says_what_it_could_not_write_in_time) {
  run();
  const auto tasks = make_tasks(2);
  lose_connection();
  for (const task_id t : tasks) complete(t);
  auto answer = begin_ask(actor, drain{5s});
  elapse(5s);
  EXPECT_EQ(take<drained>(answer)->left, 2u);
  EXPECT_EQ(lanes_and_writers(), "0 2");
}

}  // namespace
}  // namespace cascade
