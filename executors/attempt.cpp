#include "executors/attempt.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "executors/outcome_check.hpp"

namespace cascade {

attempt::attempt(std::shared_ptr<attempt_host> host, task_run run, completion done, heartbeat beat)
    : run_(std::move(run)),
      host_(std::move(host)),
      done_(std::move(done)),
      strand_(boost::asio::make_strand(host_->io)),
      timer_(strand_),
      // Weak: under the pulse's lock nothing may die. `this` lives: the destructor closes the pulse.
      pulse_(std::make_shared<pulse>(std::move(beat), [this] {
        boost::asio::post(strand_, [weak = weak_from_this()] {
          if (const auto me = weak.lock()) me->pass_beats();
        });
      })) {
  run_.stop = source_.get_token();
  run_.beats = pulse_;
}

attempt::~attempt() { pulse_->close(); }

void attempt::report(outcome o, std::string_view what) {
  if (reported_.exchange(true)) {
    host_->late.fetch_add(1);
    return;
  }
  const bool success = o.how == outcome::kind::succeeded;
  o = storable_outcome(std::move(o), what);
  if (success && o.how != outcome::kind::succeeded) host_->unusable_results.fetch_add(1);
  host_->reported.fetch_add(1);
  pulse_->close();
  if (timer_used_)
    boost::asio::post(strand_, [me = shared_from_this()] {
      me->timer_.cancel();
      if (me->beat_timer_) me->beat_timer_->cancel();
    });
  std::exchange(done_, nullptr)(std::move(o));
  const std::lock_guard held(host_->lock);
  host_->live.erase(this);
  if (host_->live.empty()) host_->quiet.notify_all();
}

outcome attempt::stopped_outcome(std::string_view detail) const {
  if (stopping() == stop_reason::cancelled)
    return outcome::cancelled(error_with_tail("cancelled", detail));
  return outcome::retry(
      error_with_tail("timed out after " + std::to_string(run_.timeout.count()) +
                          (pulse_->beaten() ? " ms without a sign of life" : " ms"),
                      detail));
}

void attempt::start_timeout() {
  if (run_.timeout <= std::chrono::milliseconds(0)) return;
  timer_used_ = true;
  pulse_->begin();
  boost::asio::post(strand_, [me = shared_from_this()] { me->watch_timeout(); });
}

// A beat does not touch the timer: when it fires, it looks whether there was one.
void attempt::watch_timeout() {
  if (reported() || stopping() != stop_reason::none) return;
  timer_.expires_at(pulse_->last_sign() + run_.timeout);
  timer_.async_wait([me = shared_from_this()](boost::system::error_code ec) {
    if (ec || me->reported() || me->stopping() != stop_reason::none) return;
    me->look_for_beats();
    if (pulse::clock::now() < me->pulse_->last_sign() + me->run_.timeout)
      me->watch_timeout();
    else
      me->stop(stop_reason::timeout);
  });
}

void attempt::pass_beats() {
  const auto now = pulse::clock::now();
  if (now >= beats_due_) {
    beats_due_ = now + std::max(host_->options.beat_every, std::chrono::milliseconds(0));
    pulse_->deliver();
    return;
  }
  timer_used_ = true;  // before the check, as in arm
  if (reported()) return;
  if (!beat_timer_) beat_timer_.emplace(strand_);
  beat_timer_->expires_at(beats_due_);
  beat_timer_->async_wait([me = shared_from_this()](boost::system::error_code ec) {
    if (!ec) me->pass_beats();
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
