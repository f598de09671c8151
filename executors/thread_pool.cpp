#include "executors/thread_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace cascade {

namespace {

void keep_for_ever(std::shared_ptr<thread_pool::job> job) {
  static std::mutex lock;
  static auto& kept = *new std::vector<std::shared_ptr<thread_pool::job>>;
  const std::lock_guard held(lock);
  kept.push_back(std::move(job));
}

}  // namespace

struct thread_pool::core {
  struct worker {
    std::thread thread;
    bool in_run = false;
    bool abandoned = false;
  };

  std::mutex lock;
  std::condition_variable work_or_stop;
  std::condition_variable left_run;
  std::deque<std::shared_ptr<job>> line;
  std::vector<std::unique_ptr<worker>> workers;
  std::size_t idle = 0;
  bool stopping = false;

  void run(worker& self) {
    std::unique_lock held(lock);
    for (;;) {
      ++idle;
      work_or_stop.wait(held, [&] { return stopping || !line.empty(); });
      --idle;
      if (stopping) return;
      auto work = std::move(line.front());
      line.pop_front();
      held.unlock();
      const bool wanted = work->prepare();
      held.lock();
      if (wanted && !stopping) {
        self.in_run = true;
        held.unlock();
        work->run();
        held.lock();
        self.in_run = false;
        if (self.abandoned) return keep_for_ever(std::move(work));
        if (stopping) left_run.notify_all();
      }
      held.unlock();
      if (wanted) work->finish();
      work.reset();
      held.lock();
    }
  }
};

thread_pool::thread_pool(std::size_t threads_max)
    : core_(std::make_shared<core>()), threads_max_(std::max<std::size_t>(threads_max, 1)) {}

thread_pool::~thread_pool() { shutdown({}); }

void thread_pool::start_thread() {
  auto& worker = core_->workers.emplace_back(std::make_unique<core::worker>());
  try {
    worker->thread = std::thread([shared = core_, self = worker.get()] { shared->run(*self); });
  } catch (const std::system_error&) {
    core_->workers.pop_back();
    if (core_->workers.empty()) throw;  // else one of the others takes the work
  }
}

void thread_pool::submit(std::shared_ptr<job> work) {
  const std::lock_guard held(core_->lock);
  if (core_->stopping) return;
  // A thread that was woken but does not run yet still counts as idle, hence the comparison with
  // the line.
  if (core_->idle <= core_->line.size() && core_->workers.size() < threads_max_) start_thread();
  core_->line.push_back(std::move(work));
  core_->work_or_stop.notify_one();
}

thread_pool::sizes thread_pool::size() const {
  const std::lock_guard held(core_->lock);
  const std::size_t threads = core_->workers.size();
  return {threads, threads - std::min(threads, core_->idle), core_->line.size()};
}

bool thread_pool::shutdown(std::chrono::steady_clock::time_point deadline) {
  std::deque<std::shared_ptr<job>> dropped;
  std::vector<std::unique_ptr<core::worker>> ending;
  std::unique_lock held(core_->lock);
  core_->stopping = true;
  dropped.swap(core_->line);
  core_->work_or_stop.notify_all();
  auto& workers = core_->workers;
  const auto in_run = [](const auto& worker) { return worker->in_run; };
  core_->left_run.wait_until(held, deadline,
                             [&] { return std::none_of(workers.begin(), workers.end(), in_run); });
  const auto first_ending = std::stable_partition(workers.begin(), workers.end(), in_run);
  std::move(first_ending, workers.end(), std::back_inserter(ending));
  workers.erase(first_ending, workers.end());
  for (auto& worker : workers) {  // stay here: their threads refer to them, and keep the core
    worker->abandoned = true;
    if (worker->thread.joinable()) worker->thread.detach();
  }
  const bool all = workers.empty();
  held.unlock();
  for (auto& worker : ending)
    if (worker->thread.joinable()) worker->thread.join();
  return all;
}

}  // namespace cascade
