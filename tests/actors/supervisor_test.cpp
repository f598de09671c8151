#include "tests/actors/supervisor_fixture.hpp"

namespace cascade {
namespace {

using enum restart_strategy;
using enum restart_policy;
using exit = caf::exit_reason;

// -- start and stop -------------------------------------------------------------------------------

TEST_F(supervisor_test, children_start_in_order_and_stop_in_reverse) {
  run(one_for_one, {child("a"), child("b"), child("c")});
  EXPECT_EQ(story(), "+a +b +c");
  end_root();
  EXPECT_EQ(story(), "-c -b -a");
}

TEST_F(supervisor_test, a_stop_waits_for_each_child_before_it_asks_the_one_before) {
  scripts["b"].stop_takes = 2s;
  run(one_for_one, {child("a"), child("b"), child("c")});
  story();
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), exit::user_shutdown);
  settle();
  EXPECT_EQ(story(), "-c");
  elapse(1s);
  EXPECT_EQ(story(), "");
  elapse(1s);
  EXPECT_EQ(story(), "-b -a");
}

TEST_F(supervisor_test, a_child_that_does_not_stop_in_time_is_killed) {
  scripts["b"].stops = false;
  auto b = child("b");
  b.shutdown_within = 3s;
  run(one_for_one, {child("a"), b});
  story();
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), exit::user_shutdown);
  elapse(2999ms);
  EXPECT_EQ(story(), "");
  elapse(1ms);
  EXPECT_EQ(story(), "-b -a");
  EXPECT_EQ(count(supervision_step::child_killed), 1);
}

TEST_F(supervisor_test, a_child_without_time_to_stop_is_killed_at_once) {
  scripts["a"].stops = false;
  auto a = child("a");
  a.shutdown_within = 0s;
  run(one_for_one, {a});
  end_root();
  EXPECT_EQ(story(), "+a -a");
}

TEST_F(supervisor_test, a_second_exit_message_changes_nothing) {
  scripts["a"].stop_takes = 1s;
  run(one_for_one, {child("a")});
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), exit::user_shutdown);
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), exit::unreachable);
  elapse(1s);
  EXPECT_EQ(story(), "+a -a");
}

TEST_F(supervisor_test, a_killed_supervisor_takes_its_children_with_it) {
  run(one_for_one, {child("a"), child("b")});
  story();
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), exit::kill);
  settle();
  EXPECT_EQ(story(), "-b -a");
}

TEST_F(supervisor_test, a_child_that_ends_during_the_stop_is_not_restarted) {
  scripts["b"].stop_takes = 5s;
  run(one_for_one, {child("a"), child("b")});
  story();
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), exit::user_shutdown);
  settle();
  kill("a");
  EXPECT_EQ(story(), "-a");
  kill("b");
  EXPECT_EQ(story(), "-b");
  EXPECT_TRUE(gone(root));
}

// -- the ready handshake --------------------------------------------------------------------------

TEST_F(supervisor_test, the_next_sibling_waits_until_a_child_is_ready) {
  scripts["a"].says_ready = false;
  run(one_for_one, {ready_child("a"), child("b")});
  EXPECT_EQ(story(), "+a");
  EXPECT_EQ(state_of("a"), "starting");
  elapse(9s);
  EXPECT_EQ(story(), "");
}

TEST_F(supervisor_test, a_ready_child_lets_the_next_one_start) {
  run(one_for_one, {ready_child("a"), child("b")});
  EXPECT_EQ(story(), "+a +b");
}

TEST_F(supervisor_test, a_missed_ready_deadline_is_a_failure) {
  scripts["a"].says_ready = false;
  run(one_for_one, {ready_child("a", 10s), child("b")}, 3, 60s);
  elapse(10s);
  EXPECT_EQ(story(), "+a -a +a");
  scripts["a"].says_ready = true;
  elapse(10s);
  EXPECT_EQ(story(), "-a +a +b");
  EXPECT_EQ(count(supervision_step::restarting), 2);
}

TEST_F(supervisor_test, missed_ready_deadlines_escalate_in_the_end) {
  scripts["a"].says_ready = false;
  run(one_for_one, {ready_child("a", 1s), child("b")}, 1, 60s);
  elapse(1s);
  EXPECT_FALSE(gone(root));
  elapse(1s);
  EXPECT_TRUE(gone(root));
  EXPECT_EQ(starts["b"], 0);
}

TEST_F(supervisor_test, a_stop_during_a_pending_start_ends_the_starting_child) {
  scripts["b"].says_ready = false;
  run(one_for_one, {child("a"), ready_child("b"), child("c")});
  story();
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), exit::user_shutdown);
  settle();
  EXPECT_EQ(story(), "-b -a");
  EXPECT_TRUE(gone(root));
}

TEST_F(supervisor_test, a_ready_deadline_during_a_stop_does_not_change_its_order) {
  scripts["c"].stop_takes = 5s;
  run(one_for_one, {ready_child("b", 2s), child("c")});
  scripts["b"].says_ready = false;
  kill("b");
  story();
  send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), exit::user_shutdown);
  elapse(2s);
  EXPECT_EQ(story(), "");
  elapse(3s);
  EXPECT_EQ(story(), "-c -b");
}

TEST_F(supervisor_test, a_spawn_that_throws_is_a_failure_and_holds_up_the_next_child) {
  scripts["a"].spawn_throws = true;
  auto a = child("a");
  a.backoff = restart_backoff{1s, 4s, 60s};
  run(one_for_one, {a, child("b")});
  EXPECT_EQ(starts["a"], 2);  // the first restart is immediate
  EXPECT_EQ(story(), "");
  EXPECT_EQ(state_of("a"), "waiting to restart");
  scripts["a"].spawn_throws = false;
  elapse(1s);
  EXPECT_EQ(story(), "+a +b");
}

TEST_F(supervisor_test, readiness_of_a_nested_supervisor_means_its_children_are_up) {
  scripts["x"].says_ready = false;
  run(one_for_one,
      {supervisor_child({"inner", one_for_one, 3, 10s, {ready_child("x"), child("y")}}),
       child("b")});
  EXPECT_EQ(story(), "+x");
  scripts["x"].says_ready = true;
  elapse(10s);
  EXPECT_EQ(story(), "-x +x +y +b");
}

// -- policies and strategies ----------------------------------------------------------------------

struct policy_case {
  const char* name;
  restart_strategy strategy;
  restart_policy policy;
  exit reason;
  const char* story;
};

// Else gtest prints its bytes, pointers included, and ctest takes them into the name of the test.
void PrintTo(const policy_case& p, std::ostream* out) { *out << p.name; }

class restarts : public supervisor_test, public ::testing::WithParamInterface<policy_case> {};

// Three children a, b, c; b ends.
TEST_P(restarts, follow_policy_and_strategy) {
  const auto& p = GetParam();
  run(p.strategy, {child("a"), child("b", p.policy), child("c")});
  story();
  end_child("b", p.reason);
  EXPECT_EQ(story(), p.story);
  EXPECT_FALSE(gone(root));
}

constexpr const char* one = "-b +b";
constexpr const char* all = "-b -c -a +a +b +c";
constexpr const char* rest = "-b -c +b +c";
constexpr const char* none = "-b";

INSTANTIATE_TEST_SUITE_P(
    table, restarts,
    ::testing::Values(
        policy_case{"one_permanent_abnormal", one_for_one, permanent, exit::unreachable, one},
        policy_case{"one_permanent_killed", one_for_one, permanent, exit::kill, one},
        policy_case{"one_permanent_shutdown", one_for_one, permanent, exit::user_shutdown, one},
        policy_case{"one_transient_abnormal", one_for_one, transient, exit::unreachable, one},
        policy_case{"one_transient_shutdown", one_for_one, transient, exit::user_shutdown, none},
        policy_case{"one_temporary_abnormal", one_for_one, temporary, exit::unreachable, none},
        policy_case{"one_temporary_shutdown", one_for_one, temporary, exit::user_shutdown, none},
        policy_case{"all_permanent_abnormal", one_for_all, permanent, exit::unreachable, all},
        policy_case{"all_permanent_killed", one_for_all, permanent, exit::kill, all},
        policy_case{"all_permanent_shutdown", one_for_all, permanent, exit::user_shutdown, all},
        policy_case{"all_transient_abnormal", one_for_all, transient, exit::unreachable, all},
        policy_case{"all_transient_shutdown", one_for_all, transient, exit::user_shutdown, none},
        policy_case{"all_temporary_abnormal", one_for_all, temporary, exit::unreachable, none},
        policy_case{"all_temporary_shutdown", one_for_all, temporary, exit::user_shutdown, none},
        policy_case{"rest_permanent_abnormal", rest_for_one, permanent, exit::unreachable, rest},
        policy_case{"rest_permanent_killed", rest_for_one, permanent, exit::kill, rest},
        policy_case{"rest_permanent_shutdown", rest_for_one, permanent, exit::user_shutdown, rest},
        policy_case{"rest_transient_abnormal", rest_for_one, transient, exit::unreachable, rest},
        policy_case{"rest_transient_shutdown", rest_for_one, transient, exit::user_shutdown, none},
        policy_case{"rest_temporary_abnormal", rest_for_one, temporary, exit::unreachable, none},
        policy_case{"rest_temporary_shutdown", rest_for_one, temporary, exit::user_shutdown, none}),
    [](const auto& each) { return each.param.name; });

TEST_F(supervisor_test, a_temporary_child_goes_with_its_group_and_does_not_come_back) {
  run(one_for_all, {child("a"), child("t", temporary), child("c")});
  story();
  kill("a");
  EXPECT_EQ(story(), "-a -c -t +a +c");
}

TEST_F(supervisor_test, a_finished_transient_child_starts_again_with_its_group) {
  run(one_for_all, {child("a"), child("t", transient)});
  end_child("t", exit::user_shutdown);
  story();
  kill("a");
  EXPECT_EQ(story(), "-a +a +t");
}

TEST_F(supervisor_test, a_group_restart_waits_for_readiness_in_order) {
  run(rest_for_one, {child("a"), ready_child("b"), child("c")});
  story();
  scripts["b"].says_ready = false;
  kill("b");
  EXPECT_EQ(story(), "-b -c +b");
  kill("b");  // killed while it restarts: one more failure
  scripts["b"].says_ready = true;
  kill("b");
  EXPECT_EQ(story(), "-b +b -b +b +c");
}

TEST_F(supervisor_test, a_sibling_killed_while_the_group_stops_is_not_a_failure_of_its_own) {
  scripts["c"].stop_takes = 1s;
  run(one_for_all, {child("a"), child("b"), child("c")}, 1);
  story();
  kill("b");
  kill("a");
  elapse(1s);
  EXPECT_EQ(story(), "-b -a -c +a +b +c");
  EXPECT_FALSE(gone(root));
}

TEST_F(supervisor_test, independent_children_restart_while_another_one_waits) {
  auto a = child("a");
  a.backoff = restart_backoff{5s, 5s, 60s};
  run(one_for_one, {a, child("b")});
  kill("a");
  kill("a");
  EXPECT_EQ(state_of("a"), "waiting to restart");
  story();
  kill("b");
  EXPECT_EQ(story(), "-b +b");
  elapse(5s);
  EXPECT_EQ(story(), "+a");
}

}  // namespace
}  // namespace cascade
