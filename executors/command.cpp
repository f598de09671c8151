#include "executors/command.hpp"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "executors/outcome_check.hpp"

namespace cascade {
namespace {

namespace asio = boost::asio;
using error = boost::system::error_code;

constexpr std::size_t chunk_bytes = 64u << 10;     // read at once; the usual capacity of a pipe
constexpr std::size_t drain_bytes_max = 1u << 20;  // after the exit; the largest capacity of a pipe
constexpr std::chrono::milliseconds stderr_pause{
    2};  // after a full chunk: a flood is slowed to 32 MB/s
constexpr std::chrono::milliseconds last_resort{5'000};

std::string signal_text(int number) {
  const char* name = ::sigabbrev_np(number);
  return name ? std::string("SIG") + name : "signal " + std::to_string(number);
}

std::string trimmed(std::string text) {
  constexpr const char* space = " \t\r\n";
  text.erase(text.find_last_not_of(space) + 1);
  text.erase(0, text.find_first_not_of(space));
  return text;
}

}  // namespace

command_attempt::command_attempt(std::shared_ptr<attempt_host> host_ptr,
                                 std::shared_ptr<const command_spec> spec, task_run run,
                                 completion done, heartbeat beat)
    : attempt(std::move(host_ptr), std::move(run), std::move(done), std::move(beat)),
      spec_(std::move(spec)),
      in_(strand()),
      out_(strand()),
      err_(strand()),
      pidfd_(strand()),
      err_pause_(strand()),
      progress_(strand(), run_) {}

void command_attempt::begin() {
  asio::post(strand(), [me = self<command_attempt>()] { me->launch(); });
}

// -- start --

spawn_request command_attempt::request() const {
  spawn_request out;
  out.argv = spec_->argv;
  out.cwd = spec_->cwd.empty() ? host().options.cwd : spec_->cwd;
  const auto set = [&](std::string_view key, std::string_view value) {
    std::string line = std::string(key) + "=";
    std::erase_if(out.env, [&](const std::string& other) { return other.starts_with(line); });
    out.env.push_back(line.append(value));
  };
  out.env = host().base_env;
  for (const auto& [key, value] : spec_->env) set(key, value);
  set("CASCADE_TASK_ID", std::to_string(run_.id.value));
  set("CASCADE_ATTEMPT", std::to_string(run_.attempt));
  set("CASCADE_HANDLER", run_.handler);
  set("CASCADE_PROGRESS_FD", "3");
  if (run_.job) set("CASCADE_JOB_ID", std::to_string(run_.job.value));
  if (!run_.step.empty()) set("CASCADE_STEP", run_.step);
  if (run_.item >= 0) set("CASCADE_ITEM", std::to_string(run_.item));
  return out;
}

void command_attempt::launch() {
  if (reported() || stopping() != stop_reason::none) return;
  spawned child = spawn(request());
  if (child.pid < 0) {
    report(child.transient() ? outcome::retry(child.problem) : outcome::failure(child.problem));
    return;
  }
  if (!adopt(std::move(child))) return;
  start_timeout();
  watch_exit();
  feed_stdin();
  watch(out_, false);
  watch(err_, true);
  progress_pipe::watch({self<command_attempt>(), &progress_});
  if (reported()) kill_group();  // given up while it was started
}

bool command_attempt::adopt(spawned child) {
  {
    const std::lock_guard held(lock_);
    pid_ = child.pid;
  }
  error ec;
  for (auto [end, fd] :
       {std::pair(&pidfd_, &child.pidfd), std::pair(&in_, &child.in), std::pair(&out_, &child.out),
        std::pair(&err_, &child.err), std::pair(&progress_.end(), &child.progress)}) {
    end->assign(fd->get(), ec);
    if (ec) break;
    fd->release();
  }
  if (!ec) {
    host().processes.fetch_add(1);
    return true;
  }
  signal_group(SIGKILL);
  const std::lock_guard held(lock_);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  report(outcome::retry("cannot watch the command: " + ec.message()));
  return false;
}

// -- pipes --

void command_attempt::feed_stdin() {
  // A child may close its stdin at any time, or never read it: neither is an error.
  asio::async_write(in_, asio::buffer(run_.payload),
                    [me = self<command_attempt>()](error, std::size_t) {
                      error ignored;
                      me->in_.close(ignored);
                    });
}

void command_attempt::watch(stream& from, bool is_stderr) {
  from.async_wait(stream::wait_read, [me = self<command_attempt>(), &from, is_stderr](error ec) {
    if (ec || !from.is_open()) return;
    const std::size_t count = me->take(from, is_stderr, chunk_bytes);
    if (!from.is_open()) return;
    if (!is_stderr || count < chunk_bytes) {
      me->watch(from, is_stderr);
      return;
    }
    me->err_pause_.expires_after(stderr_pause);
    me->err_pause_.async_wait([me](error stopped) {
      if (!stopped && me->err_.is_open()) me->watch(me->err_, true);
    });
  });
}

// Reads what is there, up to bytes_max; closes the stream at its end. Returns the number of bytes
// read.
std::size_t command_attempt::take(stream& from, bool is_stderr, std::size_t bytes_max) {
  std::array<char, chunk_bytes> buffer;
  std::size_t total = 0;
  while (total < bytes_max && from.is_open()) {
    const ssize_t n = ::read(from.native_handle(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (n <= 0) {
      error ignored;
      from.close(ignored);
      break;
    }
    total += static_cast<std::size_t>(n);
    if (is_stderr) {
      take_stderr(buffer.data(), static_cast<std::size_t>(n));
    } else {
      take_stdout(buffer.data(), static_cast<std::size_t>(n));
    }
  }
  return total;
}

void command_attempt::take_stdout(const char* bytes, std::size_t count) {
  if (stdout_.size() + count <= spec_->stdout_bytes_max) {
    stdout_.append(bytes, count);
    return;
  }
  flooded_ = true;
  stdout_ = {};
  error ignored;
  out_.close(ignored);
  kill_group();
}

void command_attempt::take_stderr(const char* bytes, std::size_t count) {
  stderr_.append(bytes, count);
  if (stderr_.size() > 2 * spec_->stderr_bytes_max)
    stderr_.erase(0, stderr_.size() - spec_->stderr_bytes_max);
}

std::string_view command_attempt::stderr_tail() const {
  const std::string_view all = stderr_;
  return all.substr(all.size() - std::min(all.size(), spec_->stderr_bytes_max));
}

// -- end --

void command_attempt::watch_exit() {
  pidfd_.async_wait(stream::wait_read, [me = self<command_attempt>()](error ec) {
    if (!ec) me->ended();
  });
}

void command_attempt::ended() {
  signal_group(SIGKILL);  // what the leader left behind; its number is still taken, by the zombie
  if (out_.is_open()) take(out_, false, drain_bytes_max);
  if (err_.is_open()) take(err_, true, drain_bytes_max);
  siginfo_t info{};
  {
    const std::lock_guard held(lock_);
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.native_handle()), &info, WEXITED | WNOHANG) <
           0) {
      if (errno == EINTR) continue;
      info.si_code = 0;  // somebody else reaped it: judge() says so
      break;
    }
    pid_ = -1;
  }
  host().processes.fetch_sub(1);
  error ignored;
  for (auto* end : {&in_, &out_, &err_, &pidfd_}) end->close(ignored);
  err_pause_.cancel();
  progress_.close();
  if (host().options.command_log && !stderr_.empty())
    host().options.command_log(run_, stderr_tail());
  report(judge(info.si_code, info.si_status), "the command succeeded, but its stdout");
}

outcome command_attempt::judge(int code, int status) {
  if (flooded_)
    return outcome::failure(error_with_tail("output limit exceeded: stdout has more than " +
                                                std::to_string(spec_->stdout_bytes_max) + " bytes",
                                            stderr_tail()));
  if (stopping() != stop_reason::none) return stopped_outcome(stderr_tail());
  if (code == CLD_KILLED || code == CLD_DUMPED)
    return outcome::retry(error_with_tail("killed by " + signal_text(status), stderr_tail()));
  if (code != CLD_EXITED)
    return outcome::retry("the exit code was lost: somebody else reaped the process");
  const std::string exit_code = "exit code " + std::to_string(status);
  const auto why = [&](std::string_view more = {}) {
    return error_with_tail(exit_code + std::string(more), stderr_tail());
  };
  switch (spec_->verdict_of(status)) {
    case command_spec::verdict::success:
      return outcome::success(trimmed(std::move(stdout_)));
    case command_spec::verdict::retry:
      return outcome::retry(why(), retry_in_of(stdout_));
    case command_spec::verdict::snooze:
      if (const auto in = retry_in_of(stdout_)) return outcome::snooze(*in, why());
      return outcome::retry(why(" asks for a snooze, but stdout has no usable retry_in"));
    case command_spec::verdict::fail:
      break;
  }
  return outcome::failure(why());
}

// -- stop --

void command_attempt::signal_group(int number) {
  const std::lock_guard held(lock_);
  if (pid_ > 0) ::kill(-pid_, number);
}

void command_attempt::kill_group() {
  killed_ = true;
  signal_group(SIGKILL);
  arm(last_resort);
}

void command_attempt::on_stop() {
  if (pid_ <= 0) {  // not launched; written by this strand only
    report(stopped_outcome());
    return;
  }
  if (killed_) {
    arm(last_resort);
    return;
  }
  signal_group(SIGTERM);
  signal_group(SIGCONT);  // a stopped process would not see it
  arm(spec_->kill_after);
}

void command_attempt::on_grace_over() {
  if (!killed_) {
    kill_group();
    return;
  }
  constexpr std::string_view text = "it did not end when it was killed";
  report(stopping() == stop_reason::none
             ? outcome::failure(std::string("output limit exceeded: ").append(text))
             : stopped_outcome(text));
}

void command_attempt::on_give_up() { signal_group(SIGKILL); }

}  // namespace cascade
