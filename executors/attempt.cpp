#include "executors/attempt.hpp"

#include <boost/asio/post.hpp>

#include "executors/outcome_check.hpp"

namespace cascade {

attempt::attempt(std::shared_ptr<attempt_host> host, task_run run, completion done)
    : run_(std::move(run)),
      host_(std::move(host)),
      done_(std::move(done)),
      strand_(boost::asio::make_strand(host_->io)),
      timer_(strand_) {
  run_.stop = source_.get_token();
}

void attempt::report(outcome o, std::string_view what) {
  if (reported_.exchange(true)) {
    host_->late.fetch_add(1);
    return;
  }
  const bool success = o.how == outcome::kind::succeeded;
  o = storable_outcome(std::move(o), what);
  if (success && o.how != outcome::kind::succeeded) host_->unusable_results.fetch_add(1);
  host_->reported.fetch_add(1);
  if (timer_used_) boost::asio::post(strand_, [me = shared_from_this()] { me->timer_.cancel(); });
  std::exchange(done_, nullptr)(std::move(o));
  const std::lock_guard held(host_->lock);
  host_->live.erase(this);
  if (host_->live.empty()) host_->quiet.notify_all();
}

outcome attempt::stopped_outcome(std::string_view detail) const {
  if (stopping() == stop_reason::cancelled)
    return outcome::cancelled(error_with_tail("cancelled", detail));
  return outcome::retry(
      error_with_tail("timed out after " + std::to_string(run_.timeout.count()) + " ms", detail));
}

void attempt::start_timeout() {
  if (run_.timeout <= std::chrono::milliseconds(0)) return;
  timer_used_ = true;
  boost::asio::post(strand_, [me = shared_from_this()] {
    if (me->reported() || me->stopping() != stop_reason::none) return;
    me->timer_.expires_after(me->run_.timeout);
    me->timer_.async_wait([me](boost::system::error_code ec) {
      if (!ec) me->stop(stop_reason::timeout);
    });
  });
}

void attempt::arm(std::chrono::milliseconds grace) {
  timer_used_ = true;  // before the check: report sets its mark, then looks at this one
  if (reported()) return;
  timer_.expires_after(grace);
  timer_.async_wait([me = shared_from_this()](boost::system::error_code ec) {
    if (!ec && !me->reported()) me->on_grace_over();
  });
}

void attempt::cancel() {
  boost::asio::post(strand_, [me = shared_from_this()] { me->stop(stop_reason::cancelled); });
}

void attempt::stop(stop_reason reason) {
  if (reported() || stopping() != stop_reason::none) return;
  reason_ = reason;
  if (reason == stop_reason::timeout) host_->timeouts.fetch_add(1);
  timer_.cancel();
  source_.request_stop();
  if (!reported()) on_stop();
}

void attempt::give_up() {
  source_.request_stop();
  on_give_up();
  if (!reported()) report(outcome::cancelled("cancelled: the service stopped before it ended"));
}

}  // namespace cascade
