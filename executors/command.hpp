// executors/command.hpp
//
// An attempt that runs a command. Private to executors/; what users rely on is in docs/handlers.md.
//
//   launch -> running -- exit seen -> group killed, pipes drained -> reaped -> report
//                |
//                +- stop: TERM to the group -- kill_after --> KILL -- last_resort --> report, still
//                waiting to reap +- more stdout than allowed: KILL
//
// Exit     the leader's pidfd tells; end of file on a pipe never does: a grandchild may hold it for
//          ever. The leader stays a zombie until its group has been killed, so that the group's
//          number cannot be a stranger's.
// Host     must not ignore SIGCHLD or reap children it does not know (waitpid(-1)): exit codes
//          would be lost.
// Thread   the strand; only signals to the group come from elsewhere too (give_up), hence the lock.
// Progress executors/progress_pipe.hpp; the last of it may be lost at the end.
// Memory   no buffer while a command is silent; stdout up to its cap, stderr up to twice its cap.
// Limits   a process that leaves the session (setsid) survives: only a cgroup could stop it. It
//          cannot hold us up.
// Tests    tests/unit/executor_command_test.cpp, executor_command_hostile_test.cpp,
//          executor_progress_test.cpp
#pragma once

#include <sys/types.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <mutex>
#include <string>

#include "executors/attempt.hpp"
#include "executors/progress_pipe.hpp"
#include "executors/spawn.hpp"
#include "state/command_spec.hpp"

namespace cascade {

class command_attempt final : public attempt {
public:
  command_attempt(std::shared_ptr<attempt_host> host, std::shared_ptr<const command_spec> spec,
                  task_run run, completion done, heartbeat beat);

  void begin() override;

private:
  using stream = boost::asio::posix::stream_descriptor;

  void launch();
  bool adopt(spawned child);
  spawn_request request() const;

  void feed_stdin();
  void watch(stream& from, bool is_stderr);
  std::size_t take(stream& from, bool is_stderr, std::size_t bytes_max);
  void take_stdout(const char* bytes, std::size_t count);
  void take_stderr(const char* bytes, std::size_t count);
  std::string_view stderr_tail() const;

  void watch_exit();
  void ended();
  outcome judge(int code, int status);

  void signal_group(int number);
  void kill_group();  // and report in the end, even if that does not help

  void look_for_beats() override { progress_.read_some(); }
  void on_stop() override;
  void on_grace_over() override;
  void on_give_up() override;

  std::shared_ptr<const command_spec> spec_;
  stream in_, out_, err_, pidfd_;
  boost::asio::steady_timer err_pause_;
  progress_pipe progress_;
  std::string stdout_;
  std::string stderr_;
  bool flooded_ = false;
  bool killed_ = false;

  std::mutex lock_;  // guards pid_
  pid_t pid_ = -1;   // > 0: not reaped
};

}  // namespace cascade
