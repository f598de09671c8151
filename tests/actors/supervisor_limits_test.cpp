// Intensity, backoff, escalation, deadlines.
#include <future>

#include "actors/supervisor_policy.hpp"
#include "tests/actors/supervisor_fixture.hpp"

namespace cascade {
namespace {

using enum restart_strategy;
using enum restart_policy;
using supervisor_limits = supervisor_test;

// -- intensity ------------------------------------------------------------------------------------

TEST_F(supervisor_limits, n_failures_within_the_window_are_survived_and_one_more_is_not) {
  run(one_for_one, {child("a"), child("b")}, 3, 10s);
  for (int i = 0; i < 3; ++i) kill("a");
  EXPECT_FALSE(gone(root));
  EXPECT_EQ(starts["a"], 4);
  story();
  kill("b");  // the window counts failures of all children
  EXPECT_TRUE(gone(root));
  EXPECT_EQ(story(), "-b -a");
  EXPECT_EQ(count(supervision_step::escalating), 1);
}

TEST_F(supervisor_limits, a_failure_exactly_as_old_as_the_window_counts_and_an_older_one_does_not) {
  run(one_for_one, {child("a")}, 1, 10s);
  kill("a");
  elapse(10s + 1ns);
  kill("a");
  EXPECT_FALSE(gone(root));
  elapse(10s);
  kill("a");
  EXPECT_TRUE(gone(root));
}

TEST_F(supervisor_limits, no_restarts_allowed_means_the_first_failure_escalates) {
  run(one_for_one, {child("a")}, 0);
  kill("a");
  EXPECT_TRUE(gone(root));
  EXPECT_EQ(starts["a"], 1);
}

TEST_F(supervisor_limits, a_temporary_or_well_ended_child_does_not_use_up_intensity) {
  run(one_for_one, {child("a", temporary), child("b", transient)}, 0);
  kill("a");
  end_child("b", caf::exit_reason::user_shutdown);
  EXPECT_FALSE(gone(root));
}

TEST_F(supervisor_limits, a_supervisor_that_gives_up_ends_with_its_own_reason) {
  run(one_for_one, {child("a")}, 0);
  caf::error reason;
  self->monitor(root);
  kill("a");
  self->receive([&](caf::down_msg& m) { reason = m.reason; });
  EXPECT_EQ(reason.category(), caf::atom("supervisor"));
  EXPECT_EQ(reason.code(), static_cast<std::uint8_t>(supervisor_errc::restart_intensity_exceeded));
  EXPECT_THAT(error_text(reason), ::testing::HasSubstr("a: kill"));
}

// -- backoff --------------------------------------------------------------------------------------

TEST_F(supervisor_limits, restarts_wait_longer_and_longer_up_to_the_cap) {
  const std::optional<restart_backoff> backoff = restart_backoff{100ms, 1s, 30s};
  EXPECT_EQ(restart_delay(std::nullopt, 7), 0ms);
  EXPECT_EQ(restart_delay(backoff, 0), 0ms);
  EXPECT_EQ(restart_delay(backoff, 1), 100ms);
  EXPECT_EQ(restart_delay(backoff, 2), 200ms);
  EXPECT_EQ(restart_delay(backoff, 4), 800ms);
  EXPECT_EQ(restart_delay(backoff, 5), 1s);
  EXPECT_EQ(restart_delay(backoff, 4'000'000'000u), 1s);
}

TEST_F(supervisor_limits, a_long_outage_with_backoff_never_escalates) {
  auto a = child("a");
  a.backoff = restart_backoff{1s, 8s, 60s};
  scripts["a"].spawn_throws = true;
  run(one_for_one, {a}, 5, 10s);
  elapse(1h);
  for (int i = 0; i < 3600; ++i) elapse(1s);
  EXPECT_FALSE(gone(root));
  EXPECT_GT(starts["a"], 400);
  scripts["a"].spawn_throws = false;
  elapse(8s);
  EXPECT_EQ(story(), "+a");
}

TEST_F(supervisor_limits, a_child_that_was_up_for_long_is_restarted_at_once_again) {
  auto a = child("a");
  a.backoff = restart_backoff{1s, 8s, 60s};
  run(one_for_one, {a}, 5, 10s);
  kill("a");
  kill("a");
  EXPECT_EQ(state_of("a"), "waiting to restart");
  elapse(1s);
  elapse(60s);
  story();
  kill("a");
  EXPECT_EQ(story(), "-a +a");
}

TEST_F(supervisor_limits, a_stop_during_a_backoff_ends_it) {
  auto a = child("a");
  a.backoff = restart_backoff{5s, 5s, 60s};
  run(one_for_one, {a});
  kill("a");
  kill("a");
  story();
  end_root();
  elapse(1min);
  EXPECT_EQ(story(), "");
}

// -- levels ---------------------------------------------------------------------------------------

TEST_F(supervisor_limits, a_supervisor_that_gave_up_is_restarted_by_its_own_supervisor) {
  run(one_for_one,
      {supervisor_child({"inner", one_for_one, 1, 10s, {child("x"), child("y")}}), child("b")});
  story();
  kill("x");
  EXPECT_EQ(story(), "-x +x");
  kill("x");
  EXPECT_EQ(story(), "-x -y +x +y");
  EXPECT_FALSE(gone(root));
}

TEST_F(supervisor_limits, failures_escalate_level_by_level_to_the_end) {
  run(one_for_one, {supervisor_child({"inner", one_for_one, 1, 10s, {child("x")}}), child("b")}, 1);
  for (int i = 0; i < 3; ++i) kill("x");
  EXPECT_FALSE(gone(root));
  kill("x");
  EXPECT_TRUE(gone(root));
  EXPECT_EQ(starts["x"], 4);
  EXPECT_EQ(count(supervision_step::escalating), 3);
}

TEST_F(supervisor_limits, a_killed_inner_supervisor_is_restarted_with_fresh_children) {
  run(one_for_one, {supervisor_child({"inner", one_for_one, 1, 10s, {child("x"), child("y")}})});
  story();
  auto tree = ask<description>(root, describe{});
  ASSERT_TRUE(tree);
  auto inner = ask<child_found>(root, find_child{tree->children.at(0).id, 500ms});
  ASSERT_TRUE(inner);
  send_exit_first(inner->handle, caf::exit_reason::kill);
  inner->handle = nullptr;
  settle();
  EXPECT_THAT(journal, ::testing::UnorderedElementsAre("-y", "-x", "+x", "+y"));
  EXPECT_EQ(state_of("inner"), "running");
}

TEST_F(supervisor_limits, a_stop_reaches_the_leaves_of_all_levels_in_reverse) {
  scripts["x"].stops = false;
  run(one_for_one,
      {child("a"), supervisor_child({"inner", one_for_all, 1, 10s, {child("x"), child("y")}}),
       child("b")});
  story();
  end_root();
  EXPECT_EQ(story(), "-b -y -x -a");
}

TEST_F(supervisor_limits, an_exit_from_the_parent_stops_a_supervisor_during_its_first_start) {
  scripts["x"].says_ready = false;
  run(one_for_one,
      {child("a"),
       supervisor_child({"inner", one_for_one, 1, 10s, {ready_child("x"), child("y")}})});
  story();
  end_root();
  EXPECT_EQ(story(), "-x -a");
}

// -- a handler that never returns -----------------------------------------------------------------

TEST_F(supervisor_limits, a_killed_child_whose_handler_does_not_return_is_abandoned) {
  std::promise<void> release;
  auto stuck = child("stuck");
  stuck.shutdown_within = 1s;
  stuck.spawn = [gate = release.get_future().share()](const supervisor_context& context) {
    const auto never_returns = [](describable::pointer,
                                  std::shared_future<void> open) -> describable::behavior_type {
      open.wait();
      return {[](const describe&) { return description{}; }};
    };
    auto handle = context.system.spawn<caf::detached>(never_returns, gate);
    return caf::actor_cast<caf::strong_actor_ptr>(handle);
  };
  run(one_for_one, {child("a"), stuck});
  story();
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), caf::exit_reason::user_shutdown);
  elapse(1s);
  elapse(kill_grace - 1ms);
  EXPECT_EQ(story(), "");
  elapse(1ms);
  EXPECT_EQ(story(), "-a");
  EXPECT_EQ(count(supervision_step::child_abandoned), 1);
  release.set_value();
}

}  // namespace
}  // namespace cascade
