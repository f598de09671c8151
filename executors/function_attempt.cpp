#include "executors/function_attempt.hpp"

#include <system_error>

#include "executors/outcome_check.hpp"

namespace cascade {

void function_attempt::settle(outcome o) {
  if (stopping() != stop_reason::none && o.how != outcome::kind::succeeded)
    o = stopped_outcome(o.how == outcome::kind::cancelled ? std::string_view()
                                                          : std::string_view(o.error));
  report(std::move(o));
}

// -- on a pool thread --

void thread_attempt::begin() {
  try {
    pool_.submit(self<thread_attempt>());
  } catch (const std::system_error& e) {
    report(outcome::retry(std::string("no thread could be started: ") + e.what()));
  }
}

bool thread_attempt::prepare() {
  auto expected = phase::waiting;
  if (!phase_.compare_exchange_strong(expected, phase::working)) return false;
  start_timeout();
  return true;
}

void thread_attempt::run() {
  try {
    said_ = handler_->function(run_);
  } catch (...) {
    said_ = outcome::retry(current_exception_text());
  }
}

void thread_attempt::finish() {
  if (phase_.exchange(phase::ended) == phase::given_up) host().stuck.fetch_sub(1);
  settle(std::move(said_));
}

bool thread_attempt::give_up_thread() {
  auto expected = phase::working;
  host().stuck.fetch_add(1);  // before the exchange: the thread may end right after it
  if (phase_.compare_exchange_strong(expected, phase::given_up)) return true;
  host().stuck.fetch_sub(1);
  return false;
}

void thread_attempt::on_stop() {
  auto expected = phase::waiting;
  if (phase_.compare_exchange_strong(expected, phase::ended)) {
    report(stopped_outcome());
  } else {
    function_attempt::on_stop();
  }
}

void thread_attempt::on_grace_over() {
  if (give_up_thread()) report(stopped_outcome());
}

void thread_attempt::on_give_up() {
  auto expected = phase::waiting;
  if (!phase_.compare_exchange_strong(expected, phase::ended)) give_up_thread();
}

// -- asynchronous --

// Shared by the copies of the completion. When the last copy dies uncalled, nobody could ever
// report.
struct async_attempt::promise {
  explicit promise(std::shared_ptr<async_attempt> a) : owner(std::move(a)) {}
  promise(const promise&) = delete;
  promise& operator=(const promise&) = delete;
  ~promise() {
    if (!kept)
      owner->settle(outcome::retry("the handler dropped its completion without calling it"));
  }

  std::shared_ptr<async_attempt> owner;
  std::atomic<bool> kept{false};
};

void async_attempt::begin() {
  start_timeout();
  auto kept = std::make_shared<promise>(self<async_attempt>());
  try {
    handler_->async(run_, [kept](outcome o) {
      kept->kept = true;
      kept->owner->settle(std::move(o));
    });
  } catch (...) {
    kept->kept = true;
    settle(outcome::retry(current_exception_text()));
  }
}

}  // namespace cascade
