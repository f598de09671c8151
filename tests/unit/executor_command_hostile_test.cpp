// Commands that misbehave. Each must end in a defined outcome, and leave nothing of its group
// behind.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "executor_fixture.hpp"

namespace cascade {
namespace {

using nlohmann::json;

class executor_command_hostile : public executor_fixture {
protected:
  // Orphans come to us, so that their end can be waited for.
  static void SetUpTestSuite() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  static void TearDownTestSuite() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }

  static task_run sh(const std::string& script, std::chrono::milliseconds timeout = 0ms,
                     json more = json::object()) {
    more["argv"] = {"/bin/sh", "-c", script};
    task_run run = command(more.dump());
    run.timeout = timeout;
    return run;
  }
  static const json quick_kill;

  // Waits for the orphans of a group; returns how many SIGKILL ended. The group must be gone then.
  static int killed_orphans(pid_t group) {
    int count = 0, status = 0;
    for (;;) {
      const pid_t pid = ::waitpid(-group, &status, 0);
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) break;
      count += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    }
    EXPECT_EQ(::kill(-group, 0), -1);
    EXPECT_EQ(errno, ESRCH);
    return count;
  }
};

const json executor_command_hostile::quick_kill = {{"kill_after", "50ms"}};

TEST_F(executor_command_hostile, unusable_output_fails_with_the_reason) {
  const std::string says = "the command succeeded, but its stdout cannot be stored: ";
  EXPECT_THAT(run(sh("echo done")), is_failed(says + "it is not valid JSON"));
  EXPECT_THAT(run(sh("printf '\"a\\000b\"'")), is_failed(says + "it is not valid JSON"));
  EXPECT_THAT(run(sh("printf '%s' '\"\\u0000\"'")), is_failed(says + "it contains a NUL"));
  EXPECT_THAT(run(sh("printf '\"\\377\"'")), is_failed(says + "it is not valid JSON"));
  EXPECT_THAT(run(sh("printf '%0300d' 0 | tr 0 '['")), is_failed(says));
  EXPECT_THAT(run(sh("echo 1 2")), is_failed(says));
}

TEST_F(executor_command_hostile, endless_output_is_cut_off) {
  for (const char* script :
       {"yes", "cat /dev/zero", "trap '' TERM PIPE; while :; do echo xxxxxxxxxxxxxxxx; done"}) {
    const outcome o = run(sh(script, 0ms, {{"stdout_bytes_max", 100'000}}));
    EXPECT_THAT(o, is_failed("output limit exceeded: stdout has more than 100000 bytes")) << script;
  }
}

TEST_F(executor_command_hostile, output_of_exactly_the_limit_passes) {
  const json limit = {{"stdout_bytes_max", 1000}};
  EXPECT_THAT(run(sh("printf '\"%0998d\"' 0", 0ms, limit)),
              succeeds_with("\"" + std::string(998, '0') + "\""));
  EXPECT_THAT(run(sh("printf '\"%0999d\"' 0", 0ms, limit)), is_failed("output limit exceeded"));
}

TEST_F(executor_command_hostile, endless_stderr_keeps_its_end_and_times_out) {
  const outcome o = run(sh("yes oh no >&2", 100ms, quick_kill));
  EXPECT_THAT(o, is_retried("timed out after 100 ms: "));
  EXPECT_LE(o.error.size(), 64u << 10);
}

TEST_F(executor_command_hostile, stderr_of_any_bytes_becomes_text) {
  EXPECT_THAT(run(sh("printf 'a\\377\\000b' >&2; exit 1")),
              is_retried("exit code 1: a\xEF\xBF\xBD\xEF\xBF\xBD"
                         "b"));
}

TEST_F(executor_command_hostile, term_ends_a_polite_command_in_time) {
  EXPECT_THAT(run(sh("sleep 20", 50ms)), is_retried("timed out after 50 ms"));
  EXPECT_THAT(run(sh("trap 'echo cleaned up >&2; exit 0' TERM; echo 1; sleep 20 & wait", 500ms)),
              is_retried("timed out after 500 ms: cleaned up"));
}

TEST_F(executor_command_hostile, kill_ends_one_that_ignores_term) {
  EXPECT_THAT(run(sh("trap '' TERM; sleep 20; sleep 20", 50ms, quick_kill)),
              is_retried("timed out after 50 ms"));
}

TEST_F(executor_command_hostile, a_stopped_process_is_woken_to_end) {
  EXPECT_THAT(run(sh("kill -STOP $$", 50ms)), is_retried("timed out after 50 ms"));
}

TEST_F(executor_command_hostile, cancel_ends_it) {
  auto one = start(sh("sleep 20"));
  one.attempt->cancel();
  EXPECT_THAT(one.get(), is_cancelled());
}

TEST_F(executor_command_hostile, signals_are_named) {
  EXPECT_THAT(run(sh("echo 1; echo dying >&2; kill -KILL $$")),
              is_retried("killed by SIGKILL: dying"));
  EXPECT_THAT(run(sh("kill -ABRT $$")), is_retried("killed by SIGABRT"));
  EXPECT_THAT(run(sh("kill -35 $$")), is_retried("killed by signal 35"));
}

TEST_F(executor_command_hostile, closing_stdin_early_is_no_error) {
  const std::string payload = "\"" + std::string(10 << 20, 'x') + "\"";
  for (const char* script :
       {"exec 0<&-; echo 1", "echo 1", "head -c 10 >/dev/null; exec 0<&-; sleep 0.02; echo 1",
        "sleep 0.02; echo 1"}) {
    auto one = sh(script);
    one.payload = payload;
    EXPECT_THAT(run(one), succeeds_with("1")) << script;
  }
}

TEST_F(executor_command_hostile, ten_megabytes_go_both_ways) {
  const std::string payload = "\"" + std::string(10 << 20, 'x') + "\"";
  std::vector<pending_outcome> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(start(command(R"({"argv": ["cat"], "stdout_bytes_max": 16000000})", payload)));
  for (auto& one : all) {
    const outcome o = one.get();
    EXPECT_EQ(o.error, "");
    EXPECT_TRUE(o.result == payload);
  }
}

TEST_F(executor_command_hostile, closed_outputs_do_not_end_it) {
  EXPECT_THAT(run(sh("exec >&- 2>&-; sleep 0.05; exit 3")), is_retried("exit code 3"));
}

TEST_F(executor_command_hostile, grandchildren_that_hold_the_pipes_die_with_the_leader) {
  const outcome o =
      run(sh("trap '' TERM HUP; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 20 & done; echo $$"));
  ASSERT_EQ(o.how, outcome::kind::succeeded) << o.error;
  EXPECT_EQ(killed_orphans(static_cast<pid_t>(std::stol(o.result))), 10);
}

TEST_F(executor_command_hostile, a_timeout_takes_the_whole_group) {
  const outcome o =
      run(sh("echo $$ >&2; trap '' TERM; (trap '' TERM; sleep 20) & sleep 20", 500ms, quick_kill));
  ASSERT_THAT(o, is_retried("timed out after 500 ms: "));
  const auto group = static_cast<pid_t>(std::stol(o.error.substr(o.error.rfind(' '))));
  EXPECT_GE(killed_orphans(group), 1);
}

TEST_F(executor_command_hostile, one_that_leaves_the_session_does_not_hold_us_up) {
  const outcome o = run(sh("setsid sleep 20 & echo $!"));
  ASSERT_EQ(o.how, outcome::kind::succeeded) << o.error;
  const auto pid = static_cast<pid_t>(std::stol(o.result));
  ::kill(pid, SIGKILL);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

TEST_F(executor_command_hostile, double_forks_are_in_the_group_too) {
  const outcome o = run(sh("(sleep 20 & ) ; (sh -c 'sleep 20 & exec sleep 20' &); echo $$"));
  ASSERT_EQ(o.how, outcome::kind::succeeded) << o.error;
  EXPECT_GE(killed_orphans(static_cast<pid_t>(std::stol(o.result))), 2);
}

TEST_F(executor_command_hostile, shutdown_kills_what_does_not_obey) {
  const std::string fifo = testing::TempDir() + "deaf-" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  auto one = start(sh("trap '' TERM; echo >" + fifo + "; sleep 20; sleep 20"));
  const int deaf_now = ::open(fifo.c_str(), O_RDONLY);  // until the shell opens its end
  ::unlink(fifo.c_str());
  EXPECT_TRUE(the_runner().shutdown(std::chrono::steady_clock::now() + 50ms));
  EXPECT_THAT(one.get(), is_cancelled());
  ::close(deaf_now);
}

TEST_F(executor_command_hostile, commands_and_cancels_race_without_harm) {
  std::vector<pending_outcome> all;
  for (int i = 0; i < 50; ++i)
    all.push_back(start(sh("sleep 0.0" + std::to_string(i % 10) + "; echo 1")));
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].attempt->cancel();
    all[i].attempt->cancel();
  }
  for (auto& one : all) {
    const outcome o = one.get();
    EXPECT_TRUE(o.how == outcome::kind::cancelled || o.how == outcome::kind::succeeded) << o.error;
  }
  EXPECT_EQ(the_runner().counters().late, 0u);
}

}  // namespace
}  // namespace cascade
