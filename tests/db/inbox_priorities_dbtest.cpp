// What the inbox does for changes of priority: it hears of them, and makes sure that the scheduler has
// got what they are about.
#include "tests/db/inbox_fixture.hpp"

namespace cascade {
namespace {

using testing::SizeIs;

struct inbox_priorities : inbox_fixture {
  int told = 0;
  propagator_actor propagator = spawn_part<propagator_actor>([this](auto*) {
    return propagator_actor::behavior_type{
        [](const console_query&) { return console_answer{}; }, [](const database_changed&) {},
        [this](const priorities_changed&) { ++told; },         [](const recorded&) {},
        [](const describe&) { return description{}; },
    };
  });

  void listen() {
    run();
    tell(propagator, actor, attach_priorities{});
    settle();
  }
};

TEST_F(inbox_priorities, a_change_is_heard_and_costs_no_read) {
  make_task();
  listen();
  const int reads = shown("reads");
  run_sql("select cascade.set_task_priority(1, 90)");
  until([this] { return told == 1; });
  round_trip();
  EXPECT_EQ(shown("reads"), reads);
  must(admin.exec_text("begin; select cascade.set_task_priority(1, 90); rollback"));
  insert(1);
  until_page();
  EXPECT_EQ(told, 1);
}

TEST_F(inbox_priorities, the_answer_comes_behind_the_page_that_was_missing) {
  listen();
  must(admin.exec_text("set cascade.doorbell = off"));  // nobody says that there is something
  insert(2);
  auto answer = begin_ask(actor, sync_inbox{});
  settle();
  EXPECT_TRUE(scheduler.pages.empty());
  until([this] { return self->has_next_message(); });
  ASSERT_THAT(scheduler.pages, SizeIs(1)) << "the answer must not come first";
  EXPECT_THAT(scheduler.pages.front().page.tasks, SizeIs(2));
  EXPECT_TRUE(take<inbox_synced>(std::move(answer)));
}

TEST_F(inbox_priorities, a_read_that_is_under_way_may_be_too_old) {
  listen();
  insert(1);  // it rings: the read that is armed is on its way
  until([this] { return shown("bells") > 1; });
  auto answer = begin_ask(actor, sync_inbox{});
  settle();
  const int reads = shown("reads");
  until_page();
  take_page();
  until([this] { return self->has_next_message(); });
  EXPECT_GT(shown("reads"), reads);
  EXPECT_TRUE(take<inbox_synced>(std::move(answer)));
}

TEST_F(inbox_priorities, a_lost_connection_keeps_nobody_waiting) {
  listen();
  auto answer = begin_ask(actor, sync_inbox{});
  lose_connection();
  EXPECT_FALSE(take<inbox_synced>(std::move(answer)));
  EXPECT_FALSE(self->has_next_message());
}

}  // namespace
}  // namespace cascade
