#include "pg/child.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "pg/libpq.hpp"

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 forgot this
}

namespace cascade::pg::detail {

file_descriptor::~file_descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

failure system_failure(const std::string& doing) {
  const int error = errno;
  return local_failure(errc::database_unavailable,
                       doing + ": " + std::generic_category().message(error));
}

bool account::may_pass(const std::filesystem::path& directory) const {
  struct stat s {};
  if (::stat(directory.c_str(), &s) != 0) return false;
  if (s.st_uid == uid) return (s.st_mode & S_IXUSR) != 0;
  if (s.st_gid == gid || std::ranges::find(groups, s.st_gid) != groups.end())
    return (s.st_mode & S_IXGRP) != 0;
  return (s.st_mode & S_IXOTH) != 0;
}

expected<account> find_account(const std::string& name) {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr)
    return local_failure(errc::database_rejected,
                         "there is no system user \"" + name + "\" to run Postgres as");
  if (entry.pw_uid == 0)
    return local_failure(errc::database_rejected,
                         "Postgres does not run as root; name another system user");
  account a{entry.pw_name, entry.pw_dir, entry.pw_uid, entry.pw_gid, {}};
  int count = 64;
  a.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(entry.pw_name, entry.pw_gid, a.groups.data(), &count) < 0) {
    a.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(entry.pw_name, entry.pw_gid, a.groups.data(), &count);
  }
  a.groups.resize(static_cast<std::size_t>(count));
  return a;
}

namespace {

// Everything the child needs, made before the fork.
struct launch {
  const program& p;
  std::vector<std::string> strings;
  std::vector<char*> argv;
  std::vector<char*> envp;
  int in = -1;
  int out = -1;
  int report = -1;
  pid_t parent = 0;
};

[[noreturn]] void in_child(const launch& l) {
  const auto stop = [&] {
    const int error = errno;
    [[maybe_unused]] const auto n = ::write(l.report, &error, sizeof error);
    ::_exit(127);
  };
  // Ignored signals would stay ignored over exec; all are blocked until here.
  for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::setsid() < 0) stop();
  if (::dup2(l.in, 0) < 0 || ::dup2(l.out, 1) < 0 || ::dup2(l.out, 2) < 0) stop();
  // A lock or a socket of ours must not live on in the server.
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) stop();
  if (l.p.as && (::setgroups(l.p.as->groups.size(), l.p.as->groups.data()) != 0 ||
                 ::setgid(l.p.as->gid) != 0 || ::setuid(l.p.as->uid) != 0))
    stop();
  ::umask(0077);
  if (::chdir("/") != 0) stop();
  // After setuid, which clears it. The parent may be gone already.
  if (l.p.die_with_parent && (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != l.parent))
    ::_exit(127);
  ::execve(l.p.executable.c_str(), l.argv.data(), l.envp.data());
  stop();
  ::_exit(127);
}

void prepare(launch& l) {
  const auto& p = l.p;
  l.strings.push_back(p.executable.string());
  l.strings.insert(l.strings.end(), p.arguments.begin(), p.arguments.end());
  const std::size_t arguments = l.strings.size();
  // Nothing of our environment: PGPORT, PGDATA and the like would change what is started.
  l.strings.push_back("PATH=/usr/local/bin:/usr/bin:/bin");
  l.strings.push_back("LC_ALL=C.UTF-8");
  l.strings.push_back("HOME=" + (p.as ? p.as->home : std::string("/")));
  for (std::size_t i = 0; i < l.strings.size(); ++i)
    (i < arguments ? l.argv : l.envp).push_back(l.strings[i].data());
  l.argv.push_back(nullptr);
  l.envp.push_back(nullptr);
}

}  // namespace

expected<child> child::start(const program& p) {
  launch l{p, {}, {}, {}, -1, -1, -1, ::getpid()};
  prepare(l);
  const file_descriptor in{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  const file_descriptor out{
      ::open(p.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640)};
  if (!out) return system_failure("cannot write " + p.log.string());
  int ends[2];
  if (!in || ::pipe2(ends, O_CLOEXEC) != 0)
    return system_failure("cannot start " + p.executable.string());
  const file_descriptor report_read{ends[0]};
  file_descriptor report_write{ends[1]};
  l.in = in.get();
  l.out = out.get();
  l.report = ends[1];

  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) in_child(l);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = fork_error;
  if (pid < 0) return system_failure("cannot start " + p.executable.string());

  file_descriptor pidfd{::pidfd_open(pid, 0)};
  report_write = file_descriptor{};
  int error = 0;
  ssize_t n = 0;
  do n = ::read(report_read.get(), &error, sizeof error);
  while (n < 0 && errno == EINTR);
  if (n > 0) {
    ::waitpid(pid, nullptr, 0);
    errno = error;
    return system_failure("cannot start " + p.executable.string());
  }
  if (!pidfd) return system_failure("cannot watch " + p.executable.string());
  return child{pid, std::move(pidfd), true};
}

expected<child> child::watch(pid_t pid) {
  file_descriptor pidfd{::pidfd_open(pid, 0)};
  if (!pidfd) return system_failure("cannot watch process " + std::to_string(pid));
  return child{pid, std::move(pidfd), false};
}

bool child::wait_exit(deadline until) {
  auto& s = *state_;
  pollfd p{s.pidfd.get(), POLLIN, 0};
  int n = 0;
  do n = ::poll(&p, 1, static_cast<int>(std::min<std::int64_t>(until.left().count(), 3'600'000)));
  while (n <= 0 && !until.passed());
  if (n <= 0) return false;
  const std::lock_guard lock(s.mutex);
  if (std::exchange(s.ended, true) || !s.ours) return true;
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(s.pidfd.get()), &info, WEXITED) == 0) {
    const bool exited = info.si_code == CLD_EXITED;
    s.ending = (exited ? "exit code " : "signal ") + std::to_string(info.si_status);
    if (exited) s.exit_code = info.si_status;
  }
  return true;
}

void child::signal(int number) const {
  ::pidfd_send_signal(state_->pidfd.get(), number, nullptr, 0);
}

std::string child::ending() const {
  const std::lock_guard lock(state_->mutex);
  return state_->ending;
}

std::optional<int> child::exit_code() const {
  const std::lock_guard lock(state_->mutex);
  return state_->exit_code;
}

}  // namespace cascade::pg::detail
