// executors/spawn.hpp
//
// Starts one process with four pipes, safely in a program with many threads.
//
// Why posix_spawn and not Boost.Process v2 (1.81): v2 forks and then, in the child, rebuilds Asio's
// reactor (takes its locks, which another thread may have held at the fork, allocates, may throw)
// and calls exit() when exec fails, which runs our static destructors there; and its async_wait
// reaps the leader before its group can be killed, so that the group's number may already belong to
// somebody else. posix_spawn runs none of our code in the child, reports a failed exec by value,
// and does not copy page tables.
//
// Child    own session and process group (pgid = pid); default signal dispositions, empty signal
//          mask; descriptors 0..3, the last for progress, and no other; no core dump.
// Thread   any; blocks until the exec, about a millisecond.
// Errors   values: what was tried, and errno.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace cascade {

// Owns a descriptor.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept;
  ~unique_fd();

  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

private:
  int fd_ = -1;
};

struct spawn_request {
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "KEY=value"; its PATH is where argv[0] is looked up
  std::string cwd;
};

struct spawned {
  pid_t pid = -1;  // > 0: it runs, and the caller must reap it
  unique_fd pidfd;
  unique_fd in, out, err, progress;  // our ends: never inherited, non-blocking

  int error = 0;        // errno when pid < 0
  std::string problem;  // for people when pid < 0
  bool transient() const
      noexcept;  // another try may work: no memory, no descriptors, too many processes, file busy
};

spawned spawn(const spawn_request& request);

}  // namespace cascade
