#include "executors/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "state/json_check.hpp"

namespace cascade {

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

unique_fd::~unique_fd() {
  if (fd_ >= 0) ::close(fd_);
}

bool spawned::transient() const noexcept {
  return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE ||
         error == ETXTBSY || error == EINTR;
}

namespace {

spawned failed(int error, const std::string& what) {
  spawned out;
  out.error = error;
  out.problem = what + ": " + std::generic_category().message(error);
  return out;
}

struct pipe_ends {
  unique_fd read, write;
};

constexpr int progress_fd = 3;  // in the child, after stdin, stdout and stderr

// Or the dup2 onto 0..3 in the child would destroy one while it places another.
int above_childs(unique_fd& fd) {
  if (fd.get() > progress_fd) return 0;
  unique_fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, progress_fd + 1));
  if (!moved) return errno;
  fd = std::move(moved);
  return 0;
}

int open_pipe(pipe_ends& ends) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return errno;
  ends.read = unique_fd(fds[0]);
  ends.write = unique_fd(fds[1]);
  if (int error = above_childs(ends.read)) return error;
  return above_childs(ends.write);
}

std::string_view value_of(const std::vector<std::string>& env, std::string_view key) {
  for (const auto& line : env)
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=')
      return std::string_view(line).substr(key.size() + 1);
  return {};
}

// Returns the first executable of that name in PATH, or an empty string and errno. Relative
// directories in PATH are skipped: what runs must not depend on the working directory.
std::string find_program(const std::string& name, std::string_view path, int& error) {
  error = ENOENT;
  while (!path.empty()) {
    const auto colon = path.find(':');
    const auto dir = path.substr(0, colon);
    path = colon == std::string_view::npos ? std::string_view() : path.substr(colon + 1);
    if (dir.empty() || dir[0] != '/') continue;
    std::string file = std::string(dir) + "/" + name;
    struct stat info;
    if (::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if (::access(file.c_str(), X_OK) == 0) return file;
    error = EACCES;
  }
  return {};
}

// posix_spawn's two option objects.
struct options {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  options() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  options(const options&) = delete;
  options& operator=(const options&) = delete;
  ~options() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }

  int fill(int cwd, int in, int out, int err, int progress) {
    sigset_t all, none;
    std::memset(&all, 0xFF,
                sizeof all);  // sigfillset leaves out 32 and 33, which the child would then ignore
    ::sigemptyset(&none);
    ::posix_spawnattr_setflags(&attributes,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    int error = ::posix_spawn_file_actions_addfchdir_np(&actions, cwd);
    if (!error) error = ::posix_spawn_file_actions_adddup2(&actions, in, 0);
    if (!error) error = ::posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (!error) error = ::posix_spawn_file_actions_adddup2(&actions, err, 2);
    if (!error) error = ::posix_spawn_file_actions_adddup2(&actions, progress, progress_fd);
    if (!error) error = ::posix_spawn_file_actions_addclosefrom_np(&actions, progress_fd + 1);
    return error;
  }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

spawned spawn(const spawn_request& request) {
  const std::string shown = storable_text(request.argv[0], 1000);
  const unique_fd cwd(::open(request.cwd.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!cwd) return failed(errno, "cannot use the directory " + storable_text(request.cwd, 1000));

  std::string program = request.argv[0];
  if (program.find('/') == std::string::npos) {
    int error = 0;
    program = find_program(program, value_of(request.env, "PATH"), error);
    if (program.empty()) return failed(error, "cannot run " + shown + ", looked up in PATH");
  }

  pipe_ends in, out, err, progress;
  for (auto* ends : {&in, &out, &err, &progress})
    if (int error = open_pipe(*ends)) return failed(error, "cannot open a pipe for " + shown);
  for (const int fd : {in.write.get(), out.read.get(), err.read.get(), progress.read.get()})
    ::fcntl(fd, F_SETFL, O_NONBLOCK);

  options how;
  if (int error = how.fill(cwd.get(), in.read.get(), out.write.get(), err.write.get(),
                           progress.write.get()))
    return failed(error, "cannot prepare " + shown);
  const auto argv = pointers(request.argv);
  const auto env = pointers(request.env);
  spawned child;
  if (int error = ::posix_spawn(&child.pid, program.c_str(), &how.actions, &how.attributes,
                                argv.data(), env.data()))
    return failed(error, "cannot run " + shown);

  const rlimit no_core{0, 0};
  ::prlimit(child.pid, RLIMIT_CORE, &no_core, nullptr);
  // Not yet reaped by anybody, so the number still means our child. Close-on-exec by itself.
  child.pidfd = unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd) {
    const int error = errno;
    ::kill(-child.pid, SIGKILL);
    while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return failed(error, "cannot watch " + shown);
  }
  child.in = std::move(in.write);
  child.out = std::move(out.read);
  child.err = std::move(err.read);
  child.progress = std::move(progress.read);
  return child;
}

}  // namespace cascade
