// What the cache reads, keeps and forgets.
#include "tests/db/cache_fixture.hpp"

namespace cascade {
namespace {

struct cache : cache_fixture {};

TEST_F(cache, a_state_is_read_once_and_then_follows_its_row) {
  const auto id = make_task().value;
  EXPECT_FALSE(task(id)->from_memory);
  EXPECT_TRUE(task(id)->from_memory);
  settlement s;
  s.completed.push_back(completion(id, task_state::completed));
  write(std::move(s));
  written();
  const auto after = task(id);
  EXPECT_TRUE(after->from_memory);
  EXPECT_EQ(after->info.state, task_state::completed);
  EXPECT_EQ(shown("tasks", "loads"), 1);
  EXPECT_EQ(shown("tasks", "hits"), 2);
  EXPECT_EQ(shown("tasks", "written"), 1);
  EXPECT_FALSE(task(404)) << "and who is not there is not remembered";
  make_task();
  EXPECT_EQ(shown("tasks", "entries"), 1);
}

TEST_F(cache, many_who_ask_at_once_cost_one_read) {
  const auto id = make_task();
  int answered = 0;
  for (int i = 0; i < 100; ++i)
    keep(sys.spawn(
        [](caf::event_based_actor* me, cache_actor whom, task_id what, int* n) {
          me->request(whom, caf::infinite, get_task{what}).then([n](const task_found&) { ++*n; });
        },
        actor, id, &answered));
  until([&] { return answered == 100; });
  EXPECT_EQ(shown("tasks", "loads"), 1);
  EXPECT_EQ(shown("tasks", "misses"), 100);
}

// The read's answer waits in the socket while the change is committed and told.
TEST_F(cache, a_read_that_a_commit_has_overtaken_is_not_kept) {
  const auto id = make_task();
  auto blocker = database.connect();
  must(blocker.exec_text("begin; lock table cascade.task in access exclusive mode"));
  auto pending = begin_ask(actor, get_task{id});
  settle();
  io.poll();
  settlement s;
  s.unrun.push_back({id, task_state::cancelled, "c", {}});
  tell(recorder, actor, batch_committed{0, 1, {{s, {}}}});
  settle();
  must(blocker.exec_text("rollback"));
  round_trip();
  ASSERT_TRUE(take<task_found>(std::move(pending)));
  EXPECT_EQ(shown("tasks", "stale_prevented"), 1);
  EXPECT_EQ(shown("tasks", "entries"), 0);
}

TEST_F(cache, without_a_connection_it_says_so_and_afterwards_it_begins_anew) {
  const auto id = make_task().value;
  task(id);
  lose_connection();
  EXPECT_FALSE(task(id));
  EXPECT_EQ(shown("tasks", "connection"), 1);
  reconnect();
  EXPECT_FALSE(task(id)->from_memory);
  EXPECT_TRUE(task(id)->from_memory);
  announce(take_over());  // the charges of the load are still to come
  EXPECT_FALSE(task(id)->from_memory);
  EXPECT_FALSE(task(id)->from_memory);
  tell(gateway, actor, rows_changed{true});
  task(id);
  EXPECT_TRUE(task(id)->from_memory);
  tell(gateway, actor, rows_changed{});
  EXPECT_FALSE(task(id)->from_memory);
  EXPECT_EQ(shown("tasks", "foreign"), 1);
}

TEST_F(cache, what_is_changed_by_hand_is_seen_when_its_time_is_over) {
  const auto id = make_task().value;
  task(id);
  run_sql("update cascade.task set priority = 77");
  EXPECT_EQ(task(id)->info.priority, 50);
  elapse(10s);
  EXPECT_EQ(task(id)->info.priority, 77);
  EXPECT_EQ(shown("tasks", "ttl"), 1);
}

TEST_F(cache, it_answers_at_the_console) {
  const auto id = make_task({.handler = "resize"}).value;
  const auto found = get<console_answer>(console_query{"task", std::to_string(id)});
  ASSERT_TRUE(found);
  EXPECT_THAT(found->text, testing::HasSubstr("handler: resize\n"));
  EXPECT_THAT(found->text, testing::HasSubstr("source: rows\n"));
  EXPECT_EQ(nlohmann::json::parse(found->json)["status"], "pending");
  EXPECT_THAT(get<console_answer>(console_query{"task", std::to_string(id)})->text,
              testing::HasSubstr("source: memory\n"));
  for (const char* wrong : {"", "x", "0", "-1", "7 7"})
    EXPECT_FALSE(get<console_answer>(console_query{"job", wrong})) << wrong;
  EXPECT_THAT(get<console_answer>(console_query{"cache", ""})->text, testing::HasSubstr("STALE"));
}

}  // namespace
}  // namespace cascade
