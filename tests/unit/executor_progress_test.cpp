// Progress of commands: lines on descriptor 3, also of those that misuse it.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <random>

#include "executor_fixture.hpp"
#include "executors/progress_lines.hpp"

namespace cascade {
namespace {

using nlohmann::json;

TEST(executor_progress_lines, a_line_is_a_percentage_and_a_text) {
  const auto is = [](std::string_view line, int percent, std::string_view text = {}) {
    const progress_line got = parse_progress_line(line);
    EXPECT_EQ(got.percent, percent) << line;
    EXPECT_EQ(got.text, text) << line;
  };
  is("40", 40);
  is("40 loaded", 40, "loaded");
  is("  40 \t two words \r", 40, "two words");
  is("40% done", 40, "done");
  is("33.333", 33);
  is("33.3% a third", 33, "a third");
  is("0", 0);
  is("007", 7);
  is("101", 100);
  is("99999999999999999999999", 100);
  is("- still loading", -1, "still loading");
  is(std::string_view("5 a\0b", 5), 5, std::string_view("a\0b", 3));
  for (const auto* alive :
       {"", " ", "-", "-5 x", "loaded", "40x", "40. x", "%", ".5", "+5", "0x10", "\xff\xfe"})
    is(alive, -1);
}

TEST(executor_progress_lines, a_stream_is_cut_into_lines_wherever_it_breaks) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string stream = "10 one\n\n20 two\n" + std::string(3'000, 'x') + "\n30 " +
                             std::string(5'000, 'y') + "\n40 no newline";
  const std::vector<std::pair<int, std::string>> expected = {
      {10, "one"},       {-1, ""}, {20, "two"}, {-1, ""}, {30, std::string(1'021, 'y')},
      {40, "no newline"}};
  for (int round = 0; round < 200; ++round) {
    progress_lines lines;
    std::vector<std::pair<int, std::string>> got;
    const auto each = [&](const progress_line& line) { got.emplace_back(line.percent, line.text); };
    const std::size_t most = 1 + random() % 3'000;
    for (std::string_view rest = stream; !rest.empty();) {
      const auto piece = rest.substr(0, 1 + random() % most);
      lines.take(piece, each);
      rest.remove_prefix(piece.size());
    }
    EXPECT_EQ(got.size(), 5u);
    lines.finish(each);
    lines.finish(each);
    EXPECT_EQ(got, expected);
  }
}

class executor_progress : public executor_fixture {
protected:
  static task_run sh(const std::string& script, std::chrono::milliseconds timeout = 0ms) {
    task_run run =
        command(json{{"argv", {"/bin/sh", "-c", script}}, {"kill_after", "50ms"}}.dump());
    run.timeout = timeout;
    return run;
  }
  // The last report of a command that waits after its script.
  progress_report says(const std::string& script, std::size_t n = 1) {
    if (!runner_) start_runner({.beat_every = 0ms, .command_log = {}});
    report_log log;
    auto one = start(sh(script + "\nsleep 20"), log.sink());
    const progress_report out = log.wait_for(n);
    one.attempt->cancel();
    EXPECT_THAT(one.get(), is_cancelled());
    return out;
  }
};

TEST_F(executor_progress, a_line_is_a_report) {
  EXPECT_THAT(says("echo '40 loaded' >&3"), reports(40, "loaded"));
  EXPECT_THAT(says("echo >&3"), reports(-1, ""));
  EXPECT_THAT(says("printf '7 a\\000b\\377\\n' >&3"), reports(7,
                                                              "a\xEF\xBF\xBD"
                                                              "b\xEF\xBF\xBD"));
  EXPECT_THAT(says("printf '50 closed' >&3; exec 3>&-"), reports(50, "closed"));
  EXPECT_THAT(says("head -c 100000 /dev/zero >&3; printf '\\n60\\n' >&3", 1).text, "");
}

TEST_F(executor_progress, the_examples_of_the_manual_work) {
  const std::string python =
      "import os, time\n"
      "progress = os.fdopen(int(os.environ['CASCADE_PROGRESS_FD']), 'w', buffering=1)\n"
      "print(40, 'loaded', file=progress)\n"
      "time.sleep(20)\n";
  report_log log;
  auto one = start(command(json{"/usr/bin/python3", "-c", python}.dump()), log.sink());
  EXPECT_THAT(log.wait_for(1), reports(40, "loaded"));
  one.attempt->cancel();
  EXPECT_THAT(one.get(), is_cancelled());
}

TEST_F(executor_progress, lines_restart_the_timeout_and_silence_ends_it) {
  EXPECT_THAT(
      run(sh("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo >&3; sleep 0.1; done; echo 1", 1'000ms)),
      succeeds_with("1"));
  EXPECT_THAT(run(sh("echo 99 >&3; sleep 20", 200ms)),
              is_retried("timed out after 200 ms without a sign of life"));
  EXPECT_THAT(run(sh("sleep 20", 20ms)), is_retried("timed out after 20 ms"));
}

TEST_F(executor_progress, what_is_no_line_is_no_sign_of_life) {
  const outcome o = run(sh("cat /dev/zero >&3", 300ms));
  EXPECT_EQ(o.error, "timed out after 300 ms");
}

TEST_F(executor_progress, a_flood_holds_up_nothing) {
  report_log log;
  auto flood = start(sh("yes 5 flood >&3"), log.sink());
  EXPECT_THAT(log.wait_for(1), reports(5, "flood"));
  EXPECT_THAT(run(sh("echo 1")), succeeds_with("1"));
  flood.attempt->cancel();
  EXPECT_THAT(flood.get(), is_cancelled());
  EXPECT_THAT(run(sh("yes >&3 & yes >&3 & echo 2")), succeeds_with("2"));
  EXPECT_THAT(run(sh("head -c 300000 /dev/zero >&3; echo 3")), succeeds_with("3"));
}

TEST_F(executor_progress, who_ignores_or_closes_the_descriptor_is_left_alone) {
  EXPECT_THAT(run(sh("exec 3>&-; sleep 0.05; echo 1")), succeeds_with("1"));
  EXPECT_THAT(run(sh("exec 3</dev/null; cat <&3; echo 2")), succeeds_with("2"));
  EXPECT_THAT(run(sh("echo 50 >&3; echo 3")), succeeds_with("3"));
}

TEST_F(executor_progress, the_end_of_the_descriptor_never_decides) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const outcome o = run(sh("setsid sleep 20 </dev/null >/dev/null 2>&1 & echo $!"));
  ASSERT_EQ(o.how, outcome::kind::succeeded) << o.error;
  const auto pid = static_cast<pid_t>(std::stol(o.result));
  ::kill(pid, SIGKILL);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace cascade
