// pg/child.hpp
//
// Private to pg/: starts and watches the programs of the private cluster, as another user when we
// are root.
//
// A fork and exec of our own, since the process library at hand (Boost.Process v2 of 1.81) tells
// the io_context about the fork inside the child, which takes locks that another thread may have
// held, and cannot drop groups safely. Between fork and exec only async-signal-safe calls are made
// here.
//
// Thread   blocking calls; a started child may be used by several threads at once.
// Needs    Linux 5.11 (pidfd, close_range).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pg/deadline.hpp"
#include "pg/failure.hpp"

namespace cascade::pg::detail {

class file_descriptor {
public:
  explicit file_descriptor(int fd = -1) noexcept : fd_(fd) {}
  file_descriptor(file_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~file_descriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_;
};

// The failure of a system call, from errno.
failure system_failure(const std::string& doing);

struct account {
  std::string name;
  std::string home;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;

  bool may_pass(const std::filesystem::path& directory) const;  // by its permission bits
};
expected<account> find_account(const std::string& name);

struct program {
  std::filesystem::path executable;
  std::vector<std::string> arguments;
  std::filesystem::path log;     // appended to; stdin is /dev/null
  std::optional<account> as;     // requires root
  bool die_with_parent = false;  // killed when the starting thread ends
};

class child {
public:
  // Ensures: exec has succeeded; the program leads a session of its own and has none of our
  // descriptors.
  static expected<child> start(const program& p);
  // A process that somebody else started.
  static expected<child> watch(pid_t pid);

  pid_t pid() const noexcept { return state_->pid; }
  // True when it has ended. Several threads may wait, signal and ask at once.
  bool wait_exit(deadline until);
  bool alive() { return !wait_exit(deadline::in(std::chrono::milliseconds{0})); }
  void signal(int number) const;
  // Once it ended: "exit code 1", "signal 9"; "unknown" for processes that are not ours.
  std::string ending() const;
  std::optional<int> exit_code() const;

private:
  struct state {
    state(pid_t p, file_descriptor fd, bool own) noexcept
        : pid(p), pidfd(std::move(fd)), ours(own) {}
    const pid_t pid;
    const file_descriptor pidfd;
    const bool ours;
    mutable std::mutex mutex;
    bool ended = false;
    std::string ending = "unknown";
    std::optional<int> exit_code;
  };
  child(pid_t pid, file_descriptor pidfd, bool ours)
      : state_(std::make_shared<state>(pid, std::move(pidfd), ours)) {}

  std::shared_ptr<state> state_;
};

}  // namespace cascade::pg::detail
