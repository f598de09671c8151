// executors/function_attempt.hpp
//
// Attempts that call a C++ function: on a pool thread, or an asynchronous one. Private to
// executors/. States and threads: executors/attempt.hpp.
#pragma once

#include "executors/attempt.hpp"
#include "executors/thread_pool.hpp"

namespace cascade {

class function_attempt : public attempt {
public:
  function_attempt(std::shared_ptr<attempt_host> host, std::shared_ptr<const handler_entry> handler,
                   task_run run, completion done, heartbeat beat)
      : attempt(std::move(host), std::move(run), std::move(done), std::move(beat)),
        handler_(std::move(handler)) {}

protected:
  void settle(outcome o);  // reports what the function said, or that it was stopped
  void on_stop() override { arm(host().options.stop_grace); }
  void on_grace_over() override { report(stopped_outcome()); }
  void on_give_up() override {}

  std::shared_ptr<const handler_entry> handler_;
};

class thread_attempt final : public function_attempt, public thread_pool::job {
public:
  thread_attempt(std::shared_ptr<attempt_host> host, std::shared_ptr<const handler_entry> handler,
                 task_run run, completion done, heartbeat beat, thread_pool& pool)
      : function_attempt(std::move(host), std::move(handler), std::move(run), std::move(done),
                         std::move(beat)),
        pool_(pool) {}

  void begin() override;

private:
  enum class phase { waiting, working, given_up, ended };

  bool prepare() override;
  void run() override;
  void finish() override;
  bool give_up_thread();  // false when the function has not begun or has ended
  void on_stop() override;
  void on_grace_over() override;
  void on_give_up() override;

  thread_pool& pool_;  // used by begin() only
  std::atomic<phase> phase_{phase::waiting};
  outcome said_ = outcome::cancelled();
};

class async_attempt final : public function_attempt {
public:
  using function_attempt::function_attempt;
  void begin() override;

private:
  struct promise;
};

}  // namespace cascade
