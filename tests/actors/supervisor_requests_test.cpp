// Children added while it runs, and questions about the tree.
#include "tests/actors/supervisor_fixture.hpp"

namespace cascade {
namespace {

using enum restart_strategy;
using enum restart_policy;
using ::testing::HasSubstr;
using supervisor_requests = supervisor_test;

TEST_F(supervisor_requests, an_added_child_is_started_and_its_handle_returned) {
  run(one_for_one, {child("a")});
  auto started = ask<child_started>(root, start_child{child("job-1", temporary)});
  ASSERT_TRUE(started);
  EXPECT_EQ(started->handle, actors["job-1"]);
  EXPECT_EQ(story(), "+a +job-1");
}

TEST_F(supervisor_requests, an_added_child_is_answered_when_it_is_ready) {
  run(one_for_one, {});
  scripts["w"].says_ready = false;
  auto pending = begin_ask(root, start_child{ready_child("w", 5s)});
  elapse(4s);
  EXPECT_FALSE(self->has_next_message());
  elapse(1s);
  auto started = take<child_started>(pending);
  ASSERT_FALSE(started);
  EXPECT_EQ(error_text(started.error()), "ready deadline missed");
  EXPECT_EQ(state_of("w"), "absent");
}

TEST_F(supervisor_requests, the_failed_first_start_of_an_added_child_is_not_counted) {
  run(one_for_one, {child("a")}, 0);
  scripts["w"].spawn_throws = true;
  auto started = ask<child_started>(root, start_child{child("w")});
  ASSERT_FALSE(started);
  EXPECT_THAT(error_text(started.error()), HasSubstr("no luck"));
  EXPECT_FALSE(gone(root));
  scripts["w"].spawn_throws = false;
  EXPECT_TRUE(ask<child_started>(root, start_child{child("w")}));
}

TEST_F(supervisor_requests, a_name_is_taken_until_its_child_is_gone) {
  run(one_for_one, {child("a")});
  EXPECT_FALSE(ask<child_started>(root, start_child{child("a")}));
  EXPECT_TRUE(ask<child_started>(root, start_child{child("job", temporary)}));
  EXPECT_FALSE(ask<child_started>(root, start_child{child("job", temporary)}));
  end_child("job", caf::exit_reason::user_shutdown);
  EXPECT_TRUE(ask<child_started>(root, start_child{child("job", temporary)}));
}

TEST_F(supervisor_requests, an_added_permanent_child_is_restarted_and_counted) {
  run(one_for_one, {}, 1);
  ASSERT_TRUE(ask<child_started>(root, start_child{child("w")}));
  kill("w");
  EXPECT_EQ(story(), "+w -w +w");
  kill("w");
  EXPECT_TRUE(gone(root));
}

TEST_F(supervisor_requests, added_children_stop_together_and_before_the_children_of_the_spec) {
  run(one_for_one, {child("a")});
  for (auto* name : {"j1", "j2", "j3"}) {
    scripts[name].stop_takes = 3s;
    ASSERT_TRUE(ask<child_started>(root, start_child{child(name, temporary)}));
  }
  story();
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), caf::exit_reason::user_shutdown);
  settle();
  EXPECT_EQ(story(), "");
  elapse(3s);
  EXPECT_THAT(story(), HasSubstr("-j"));
  EXPECT_TRUE(gone(root));
}

TEST_F(supervisor_requests, nothing_is_started_during_a_stop) {
  scripts["a"].stop_takes = 5s;
  run(one_for_one, {child("a")});
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), caf::exit_reason::user_shutdown);
  settle();
  auto started = ask<child_started>(root, start_child{child("w")});
  ASSERT_FALSE(started);
  EXPECT_EQ(error_text(started.error()), "the supervisor is shutting down");
}

TEST_F(supervisor_requests, additions_wait_for_the_first_start_of_the_spec) {
  scripts["a"].says_ready = false;
  run(one_for_one, {ready_child("a", 10s)});
  auto pending = begin_ask(root, start_child{child("w")});
  settle();
  EXPECT_EQ(story(), "+a");
  scripts["a"].says_ready = true;
  elapse(10s);
  EXPECT_EQ(story(), "-a +a +w");
  EXPECT_TRUE(take<child_started>(pending));
}

TEST_F(supervisor_requests, a_stopped_child_stays_down_until_it_is_asked_for) {
  run(one_for_one, {child("a"), child("b")});
  story();
  ASSERT_TRUE(ask<child_stopped>(root, stop_child{"a"}));
  EXPECT_EQ(story(), "-a");
  EXPECT_EQ(state_of("a"), "stopped");
  ASSERT_TRUE(ask<child_started>(root, restart_child{"a"}));
  EXPECT_EQ(story(), "+a");
}

TEST_F(supervisor_requests, a_stopped_child_does_not_come_back_with_its_group) {
  run(one_for_all, {child("a"), child("b")});
  ASSERT_TRUE(ask<child_stopped>(root, stop_child{"a"}));
  story();
  kill("b");
  EXPECT_EQ(story(), "-b +b");
}

TEST_F(supervisor_requests, a_stop_is_answered_when_the_child_is_gone) {
  scripts["a"].stop_takes = 2s;
  run(one_for_one, {child("a")});
  auto first = begin_ask(root, stop_child{"a"});
  elapse(1s);
  EXPECT_FALSE(self->has_next_message());
  elapse(1s);
  EXPECT_TRUE(take<child_stopped>(first));
}

TEST_F(supervisor_requests, stopping_a_child_in_backoff_keeps_it_down) {
  auto a = child("a");
  a.backoff = restart_backoff{5s, 5s, 60s};
  run(one_for_one, {a});
  kill("a");
  kill("a");
  story();
  EXPECT_TRUE(ask<child_stopped>(root, stop_child{"a"}));
  elapse(1min);
  EXPECT_EQ(story(), "");
}

TEST_F(supervisor_requests, an_unknown_child_cannot_be_stopped) {
  run(one_for_one, {});
  auto stopped = ask<child_stopped>(root, stop_child{"ghost"});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(error_text(stopped.error()), "no such child: ghost");
}

TEST_F(supervisor_requests, a_ready_message_of_a_stranger_or_of_an_earlier_life_is_ignored) {
  scripts["a"].says_ready = false;
  run(one_for_one, {ready_child("a"), child("b")});
  self->send(root, child_ready{});
  settle();
  EXPECT_EQ(starts["b"], 0);
}

// -- describe, find, counters ---------------------------------------------------------------------

TEST_F(supervisor_requests, a_description_shows_the_whole_subtree) {
  run(one_for_one, {child("a"), supervisor_child({"inner", one_for_all, 1, 10s, {child("x")}})});
  kill("a");
  auto tree = ask<description>(root, describe{});
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->name, "root");
  EXPECT_EQ(tree->kind, "supervisor");
  ASSERT_EQ(tree->children.size(), 2u);
  EXPECT_EQ(tree->children[0].state, "idle");
  EXPECT_EQ(tree->children[0].detail, R"({"n":1})");
  EXPECT_EQ(tree->children[0].restarts, 1u);
  EXPECT_EQ(tree->children[0].id, actors["a"]->id());
  EXPECT_EQ(tree->children[1].kind, "supervisor");
  ASSERT_EQ(tree->children[1].children.size(), 1u);
  EXPECT_EQ(tree->children[1].children[0].name, "x");
  EXPECT_THAT(tree->detail, HasSubstr(R"("strategy":"one_for_one")"));
}

TEST_F(supervisor_requests, a_silent_leaf_is_marked_and_does_not_silence_its_branch) {
  scripts["x"].answers = false;
  run(one_for_one,
      {child("a"), supervisor_child({"inner", one_for_one, 1, 10s, {child("x"), child("y")}})});
  auto pending = begin_ask(root, describe{500ms});
  elapse(399ms);
  EXPECT_FALSE(self->has_next_message());
  elapse(1ms);
  auto tree = take<description>(pending);
  ASSERT_TRUE(tree);
  const auto& inner = tree->children.at(1);
  EXPECT_TRUE(inner.answered);
  EXPECT_FALSE(inner.children.at(0).answered);
  EXPECT_TRUE(inner.children.at(1).answered);
}

TEST_F(supervisor_requests, a_description_lists_a_bounded_number_of_children) {
  run(one_for_one, {});
  for (std::size_t i = 0; i < describe_children_max + 5; ++i)
    ASSERT_TRUE(ask<child_started>(root, start_child{child("j" + std::to_string(i), temporary)}));
  auto tree = ask<description>(root, describe{});
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->children.size(), describe_children_max);
  EXPECT_EQ(tree->children_omitted, 5u);
}

TEST_F(supervisor_requests, an_actor_is_found_anywhere_below) {
  run(one_for_one, {child("a"), supervisor_child({"inner", one_for_one, 1, 10s, {child("x")}})});
  auto found = ask<child_found>(root, find_child{actors["x"]->id(), 500ms});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, "root/inner/x");
  EXPECT_EQ(found->handle, actors["x"]);
  EXPECT_FALSE(ask<child_found>(root, find_child{root.id(), 500ms}));
}

TEST_F(supervisor_requests, counters_remember_restarts_of_forgotten_children) {
  run(one_for_one, {child("a")});
  ASSERT_TRUE(ask<child_started>(root, start_child{child("w", transient)}));
  kill("w");
  kill("a");
  end_child("w", caf::exit_reason::user_shutdown);
  auto counters = ask<restart_counters>(root, restart_query{});
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->restarts_total, 2u);
  ASSERT_EQ(counters->children.size(), 1u);
  EXPECT_EQ(counters->children[0].restarts, 1u);
}

}  // namespace
}  // namespace cascade
