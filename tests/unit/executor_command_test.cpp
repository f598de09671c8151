#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "executor_fixture.hpp"

namespace cascade {
namespace {

using nlohmann::json;

class executor_command : public executor_fixture {
protected:
  static std::string sh(const std::string& script, json more = json::object()) {
    more["argv"] = {"/bin/sh", "-c", script};
    return more.dump();
  }
  static std::string python(const std::string& script, std::vector<std::string> args = {}) {
    args.insert(args.begin(), {"/usr/bin/python3", "-c", script});
    return json(args).dump();
  }
};

TEST_F(executor_command, payload_goes_in_and_stdout_comes_back) {
  EXPECT_THAT(run(command(R"(["cat"])", R"({"a": [1, 2]})")), succeeds_with(R"({"a": [1, 2]})"));
}

TEST_F(executor_command, no_output_means_null) {
  EXPECT_THAT(run(command(R"(["true"])")), succeeds_with(""));
  EXPECT_THAT(run(command(sh("echo; echo '  '"))), succeeds_with(""));
}

TEST_F(executor_command, a_registered_command_runs_under_its_name) {
  command_spec spec;
  spec.argv = {"cat"};
  handlers_.add_command("copy", spec);
  EXPECT_THAT(run(task("copy", "[1]")), succeeds_with("[1]"));
}

TEST_F(executor_command, exit_codes_decide) {
  const json codes = {{"success_codes", {0, 7}},
                      {"retry_codes", {75}},
                      {"fail_codes", {64}},
                      {"other_codes", "fail"}};
  EXPECT_THAT(run(command(sh("echo 1; exit 7", codes))), succeeds_with("1"));
  EXPECT_THAT(run(command(sh("exit 75", codes))), is_retried("exit code 75"));
  EXPECT_THAT(run(command(sh("exit 64", codes))), is_failed("exit code 64"));
  EXPECT_THAT(run(command(sh("exit 3", codes))), is_failed("exit code 3"));
  EXPECT_THAT(run(command(sh("exit 3"))), is_retried("exit code 3"));
}

TEST_F(executor_command, a_snooze_code_comes_back_when_stdout_says) {
  const json codes = {{"snooze_codes", {75}}, {"fail_codes", {64}}};
  const std::string five = R"(echo '{"retry_in": "5m"}'; echo not there >&2; exit )";
  EXPECT_THAT(run(command(sh(five + "75", codes))), is_snoozed(5min, "exit code 75: not there"));
  const std::string without = "exit code 75 asks for a snooze, but stdout has no usable retry_in";
  const outcome mute = run(command(sh("echo oops >&2; exit 75", codes)));
  EXPECT_THAT(mute, is_retried(without + ": oops"));
  EXPECT_EQ(mute.retry_in, std::nullopt);
  EXPECT_THAT(run(command(sh(R"(echo '{"retry_in": "soon"}'; exit 75)", codes))),
              is_retried(without));
  EXPECT_THAT(run(command(sh(five + "64", codes))), is_failed("exit code 64: not there"));
}

TEST_F(executor_command, a_retry_comes_back_when_stdout_says) {
  const outcome o = run(command(sh(R"(echo '{"retry_in": 90}'; exit 3)")));
  EXPECT_THAT(o, is_retried("exit code 3"));
  EXPECT_EQ(o.retry_in, 90s);
  EXPECT_EQ(run(command(sh("echo 90; exit 3"))).retry_in, std::nullopt);
  const auto killed = run(command(sh(R"(echo '{"retry_in": 90}'; kill -KILL $$)")));
  EXPECT_EQ(killed.retry_in, std::nullopt);
}

TEST_F(executor_command, the_end_of_stderr_is_in_the_error) {
  const std::string script =
      "import sys; sys.stderr.write('x' * 5000000 + '\\nlast words\\n'); sys.exit(3)";
  const outcome o = run(command(python(script)));
  EXPECT_THAT(o, is_retried("exit code 3: "));
  EXPECT_TRUE(o.error.ends_with("\nlast words")) << o.error.substr(o.error.size() - 50);
  EXPECT_LE(o.error.size(), 64u << 10);
  EXPECT_GT(o.error.size(), 60u << 10);
}

TEST_F(executor_command, stderr_is_handed_to_the_log_even_on_success) {
  std::string log;
  start_runner({.command_log = [&](const task_run& r, std::string_view text) {
    log = std::to_string(r.id.value) + ":" + std::string(text);
  }});
  EXPECT_THAT(run(command(sh("echo careful >&2; echo 1"))), succeeds_with("1"));
  EXPECT_EQ(log, "42:careful\n");
}

TEST_F(executor_command, metacharacters_arrive_literally) {
  const std::vector<std::string> args = {
      "$(touch /tmp/x)", "`id`", "; rm -rf /", "a b", "*", "~", "\n", "'\"\\", "$HOME", ""};
  const outcome o = run(command(python("import sys, json; print(json.dumps(sys.argv[1:]))", args)));
  EXPECT_EQ(json::parse(o.result), json(args));
}

TEST_F(executor_command, the_environment_is_clean) {
  ::setenv("PGPASSWORD", "secret", 1);
  ::setenv("CASCADE_DATABASE_URL", "postgres://secret", 1);
  json spec = json::parse(python("import os, json; print(json.dumps(dict(os.environ)))"));
  spec = {{"argv", spec}, {"env", {{"MINE", "a=b"}, {"LANG", "C.UTF-8"}, {"LC_ALL", "C.UTF-8"}}}};
  auto full = command(spec.dump());
  full.job = job_id{7};
  full.step = "extract";
  full.item = 3;
  full.attempt = 2;
  const json env = json::parse(run(full).result);
  EXPECT_EQ(env["CASCADE_TASK_ID"], "42");
  EXPECT_EQ(env["CASCADE_JOB_ID"], "7");
  EXPECT_EQ(env["CASCADE_STEP"], "extract");
  EXPECT_EQ(env["CASCADE_ITEM"], "3");
  EXPECT_EQ(env["CASCADE_ATTEMPT"], "2");
  EXPECT_EQ(env["CASCADE_HANDLER"], "command");
  EXPECT_EQ(env["CASCADE_PROGRESS_FD"], "3");
  EXPECT_EQ(env["MINE"], "a=b");
  EXPECT_EQ(env["LANG"], "C.UTF-8");
  const std::set<std::string> known = {"PATH",
                                       "HOME",
                                       "LANG",
                                       "TZ",
                                       "LC_ALL",
                                       "MINE",
                                       "CASCADE_TASK_ID",
                                       "CASCADE_JOB_ID",
                                       "CASCADE_STEP",
                                       "CASCADE_ITEM",
                                       "CASCADE_ATTEMPT",
                                       "CASCADE_HANDLER",
                                       "CASCADE_PROGRESS_FD"};
  for (const auto& [key, value] : env.items()) EXPECT_TRUE(known.contains(key)) << key;
  const json loose = json::parse(run(command(spec.dump())).result);
  EXPECT_FALSE(loose.contains("CASCADE_JOB_ID"));
  EXPECT_FALSE(loose.contains("CASCADE_STEP"));
  EXPECT_FALSE(loose.contains("CASCADE_ITEM"));
  ::unsetenv("PGPASSWORD");
  ::unsetenv("CASCADE_DATABASE_URL");
}

TEST_F(executor_command, no_descriptor_is_inherited) {
  const int leaky = ::open("/dev/null", O_RDWR);  // without O_CLOEXEC, as some library might
  const int higher = ::fcntl(leaky, F_DUPFD, 10);
  ASSERT_GE(higher, 10);
  // 3 is for progress, 4 is the listing itself.
  EXPECT_EQ(json::parse(run(command(python("import os, json; print(json.dumps(sorted(int(f) for f "
                                           "in os.listdir('/proc/self/fd'))))")))
                            .result),
            json({0, 1, 2, 3, 4}));
  ::close(leaky);
  ::close(higher);
}

TEST_F(executor_command, signals_are_reset_and_the_session_is_its_own) {
  sigset_t mask, before;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGTERM);
  ::sigaddset(&mask, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &mask, &before);
  ::signal(SIGUSR2, SIG_IGN);
  start_runner();  // its threads inherit the mask
  const char* masks =
      "printf '\"'; grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n'; printf '\"'";
  const outcome o = run(command(sh(masks)));
  EXPECT_THAT(o, succeeds_with("\"SigBlk:0000000000000000SigIgn:0000000000000000\""));
  const char* own =
      "import os, json; print(json.dumps([os.getpid(), os.getpgid(0), os.getsid(0)]))";
  const json ids = json::parse(run(command(python(own))).result);
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[0], ids[2]);
  ::signal(SIGUSR2, SIG_DFL);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(executor_command, the_directory_is_the_neutral_one_or_its_own) {
  start_runner({.cwd = "/usr", .command_log = {}});
  const std::string pwd = "printf '\"%s\"' \"$(pwd)\"";
  EXPECT_THAT(run(command(sh(pwd))), succeeds_with("\"/usr\""));
  EXPECT_THAT(run(command(sh(pwd, {{"cwd", "/etc"}}))), succeeds_with("\"/etc\""));
  EXPECT_THAT(run(command(sh(pwd, {{"cwd", "/no/such"}}))),
              is_failed("cannot use the directory /no/such"));
}

TEST_F(executor_command, what_cannot_be_run_fails_at_once) {
  EXPECT_THAT(run(command(R"(["/no/such/program"])")),
              is_failed("cannot run /no/such/program: No such file or directory"));
  EXPECT_THAT(run(command(R"(["no-such-program"])")),
              is_failed("cannot run no-such-program, looked up in PATH: No such"));
  EXPECT_THAT(run(command(R"(["/etc/passwd"])")),
              is_failed("cannot run /etc/passwd: Permission denied"));
  EXPECT_THAT(run(command(R"(["/etc"])")), is_failed("cannot run /etc: Permission denied"));
  EXPECT_THAT(run(command(R"({"argv": ["cat"], "env": {"PATH": "relative:"}})")),
              is_failed("looked up in PATH"));
  const auto script =
      std::filesystem::temp_directory_path() / ("no-shebang-" + std::to_string(::getpid()));
  std::ofstream(script) << "echo 1\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  EXPECT_THAT(run(command(json{script.string()}.dump())), is_failed("Exec format error"));
  std::filesystem::remove(script);
}

TEST_F(executor_command, without_free_descriptors_it_is_retried_and_then_recovers) {
  // Read only in the end: UBSan needs a descriptor to check a vptr, as when a future's state goes.
  std::vector<pending_outcome> all;
  all.push_back(start(command(R"(["cat"])", "0")));
  all.back().future.wait_for(patience);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  for (int more = 0; more < 10; ++more) {  // each step of the start runs out in turn
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    const rlimit tight{static_cast<rlim_t>(next + more), before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    all.push_back(start(command(R"(["cat"])", "0")));
    all.back().future.wait_for(patience);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  }
  EXPECT_THAT(all.front().get(), succeeds_with("0"));
  for (std::size_t i = 1; i < all.size(); ++i)
    EXPECT_THAT(all[i].get(),
                testing::AnyOf(succeeds_with("0"), is_retried("Too many open files")));
  EXPECT_THAT(run(command(R"(["cat"])", "1")), succeeds_with("1"));
}

TEST_F(executor_command, two_hundred_at_once_leave_no_descriptor_behind) {
  const auto descriptors = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  EXPECT_THAT(run(command(R"(["cat"])", "0")), succeeds_with("0"));
  const auto before = descriptors();
  std::vector<pending_outcome> all;
  for (int i = 0; i < 200; ++i) all.push_back(start(command(R"(["cat"])", std::to_string(i))));
  for (int i = 0; i < 200; ++i)
    EXPECT_THAT(all[static_cast<std::size_t>(i)].get(), succeeds_with(std::to_string(i)));
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(run(command(R"(["/no/such"])")), is_failed("No such file"));
  EXPECT_EQ(descriptors(), before);
  EXPECT_EQ(the_runner().counters().processes, 0u);
}

}  // namespace
}  // namespace cascade
