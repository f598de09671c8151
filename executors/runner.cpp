#include "executors/runner.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdlib>

#include "executors/command.hpp"
#include "executors/function_attempt.hpp"
#include "executors/outcome_check.hpp"

namespace cascade {
namespace {

// A child that closes its stdin early must not end us; a write then fails with EPIPE.
void ignore_sigpipe() {
  struct sigaction now;
  if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
    ::signal(SIGPIPE, SIG_IGN);
}

// Everything a command inherits from our environment; the rest may hold secrets.
std::vector<std::string> clean_environment() {
  std::vector<std::string> env;
  const char* path = std::getenv("PATH");
  env.push_back(std::string("PATH=") + (path && *path ? path : "/usr/local/bin:/usr/bin:/bin"));
  for (const char* key : {"HOME", "LANG", "TZ"})
    if (const char* value = std::getenv(key)) env.push_back(std::string(key) + "=" + value);
  return env;
}

struct nothing_running final : running {
  void cancel() override {}
};

std::string unknown_handler_text(const task_run& run) {
  if (run.handler == command_handler_name) return "the step has no command of its own";
  return "no handler is named \"" + run.handler + "\"";
}

}  // namespace

struct runner::state {
  state(const handler_registry& h, boost::asio::io_context& io, runner_options options)
      : handlers(h),
        host(std::make_shared<attempt_host>(io, std::move(options))),
        pool(host->options.threads_max) {}

  std::shared_ptr<attempt> make(task_run run, completion& done, heartbeat beat);

  const handler_registry& handlers;
  std::shared_ptr<attempt_host> host;
  thread_pool pool;
};

runner::runner(const handler_registry& handlers, boost::asio::io_context& io,
               runner_options options)
    : state_(std::make_shared<state>(handlers, io, std::move(options))) {
  ignore_sigpipe();
  state_->host->base_env = clean_environment();
}

runner::~runner() { shutdown({}); }

handler_kind runner::kind_of(std::string_view handler, std::string_view command) const noexcept {
  if (!command.empty()) return handler_kind::command;
  const auto& entry = state_->handlers.find(handler);
  return entry ? entry->kind : handler_kind::unknown;
}

outcome runner::run_inline(const task_run& run) const {
  try {
    const auto& entry = state_->handlers.find(run.handler);
    if (!entry) return storable_outcome(outcome::failure(unknown_handler_text(run)));
    if (entry->kind != handler_kind::worker || !run.command.empty())
      return outcome::failure("handler " + entry->name + " does not run inside a worker");
    outcome o = entry->function(run);
    const bool success = o.how == outcome::kind::succeeded;
    o = storable_outcome(std::move(o));
    if (success && o.how != outcome::kind::succeeded) state_->host->unusable_results.fetch_add(1);
    return o;
  } catch (...) {
    return storable_outcome(outcome::retry(current_exception_text()));
  }
}

// Returns null, and leaves `done` alone, when no attempt can be made of the run.
std::shared_ptr<attempt> runner::state::make(task_run run, completion& done, heartbeat beat) {
  if (!run.command.empty()) {
    auto parsed = parse_command(run.command);
    if (!parsed.spec) {
      done(storable_outcome(outcome::failure(parsed.error)));
      return nullptr;
    }
    auto spec = std::make_shared<const command_spec>(std::move(*parsed.spec));
    return std::make_shared<command_attempt>(host, std::move(spec), std::move(run), std::move(done),
                                             std::move(beat));
  }
  const auto& entry = handlers.find(run.handler);
  switch (entry ? entry->kind : handler_kind::unknown) {
    case handler_kind::worker:  // started as if it were a thread function: correct, only slower
    case handler_kind::thread:
      return std::make_shared<thread_attempt>(host, entry, std::move(run), std::move(done),
                                              std::move(beat), pool);
    case handler_kind::async:
      return std::make_shared<async_attempt>(host, entry, std::move(run), std::move(done),
                                             std::move(beat));
    case handler_kind::command:
      return std::make_shared<command_attempt>(
          host, std::shared_ptr<const command_spec>(entry, &entry->command), std::move(run),
          std::move(done), std::move(beat));
    case handler_kind::unknown:
      break;
  }
  done(storable_outcome(outcome::failure(unknown_handler_text(run))));
  return nullptr;
}

std::shared_ptr<running> runner::start(task_run run, completion done, heartbeat beat) {
  auto& host = *state_->host;
  host.started.fetch_add(1);
  {
    std::unique_lock held(host.lock);
    if (host.closed) {
      held.unlock();
      host.reported.fetch_add(1);
      done(outcome::cancelled("cancelled: the service is shutting down"));
      return std::make_shared<nothing_running>();
    }
  }
  auto made = state_->make(std::move(run), done, std::move(beat));
  if (!made) {
    host.reported.fetch_add(1);
    return std::make_shared<nothing_running>();
  }
  {
    const std::lock_guard held(host.lock);
    host.live.emplace(made.get(), made);
    if (host.closed) made->cancel();
  }
  made->begin();
  return made;
}

runner_counters runner::counters() const {
  const auto& host = *state_->host;
  const auto pool = state_->pool.size();
  runner_counters out;
  out.started = host.started;
  out.reported = host.reported;
  out.late = host.late;
  out.timeouts = host.timeouts;
  out.unusable_results = host.unusable_results;
  out.threads = pool.threads;
  out.threads_busy = pool.busy;
  out.threads_stuck = static_cast<std::size_t>(std::max<std::int64_t>(host.stuck, 0));
  out.waiting = pool.waiting;
  out.processes = static_cast<std::size_t>(std::max<std::int64_t>(host.processes, 0));
  return out;
}

bool runner::shutdown(std::chrono::steady_clock::time_point deadline) {
  auto& host = *state_->host;
  std::vector<std::shared_ptr<attempt>> live;
  const auto collect = [&] {
    live.clear();
    for (const auto& [key, weak] : host.live)
      if (auto one = weak.lock()) live.push_back(std::move(one));
  };
  std::unique_lock held(host.lock);
  host.closed = true;
  collect();
  for (const auto& one : live) one->cancel();
  live.clear();  // nothing dies here: live entries are erased under the lock, by the attempt itself
  host.quiet.wait_until(held, deadline, [&] { return host.live.empty(); });
  collect();
  held.unlock();
  for (const auto& one : live) one->give_up();
  live.clear();
  return state_->pool.shutdown(deadline);
}

}  // namespace cascade
