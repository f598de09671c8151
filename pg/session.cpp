#include "pg/session.hpp"

#include <boost/asio/post.hpp>

#include "pg/session_impl.hpp"
#include "state/assert.hpp"

namespace cascade::pg {

session::session(std::unique_ptr<impl> i) : impl_(std::move(i)) { impl_->owner = this; }
session::~session() = default;

std::shared_ptr<session> session::make(boost::asio::io_context& io, session_options options) {
  CASCADE_ASSERT(options.in_flight_max > 0);
  return std::shared_ptr<session>(new session(std::make_unique<impl>(io, std::move(options))));
}

void session::start(ready_callback on_ready, lost_callback on_lost) {
  boost::asio::post(impl_->strand, [self = shared_from_this(), on_ready = std::move(on_ready),
                                    on_lost = std::move(on_lost)]() mutable {
    auto& i = *self->impl_;
    if (i.now_in != impl::phase::idle) return;  // closed before it began
    i.on_ready = std::move(on_ready);
    i.on_lost = std::move(on_lost);
    i.connect();
  });
}

void session::submit(std::vector<statement> batch, deadline until, batch_callback done) {
  impl_->queued.fetch_add(1, std::memory_order_relaxed);
  boost::asio::post(impl_->strand, [self = shared_from_this(), batch = std::move(batch), until,
                                    done = std::move(done)]() mutable {
    self->impl_->enqueue({std::move(batch), until, std::move(done)});
  });
}

void session::submit(statement one, deadline until, batch_callback done) {
  std::vector<statement> batch;
  batch.push_back(std::move(one));
  submit(std::move(batch), until, std::move(done));
}

void session::close() {
  boost::asio::post(impl_->strand, [self = shared_from_this()] {
    self->impl_->end(detail::local_failure(errc::shutting_down, "the session was closed"), false);
  });
}

const session_counters& session::counters() const noexcept { return impl_->counters; }
std::vector<std::pair<std::string, std::uint64_t>> session::statement_counts() const {
  return impl_->prepared.counts();
}
std::size_t session::in_flight() const noexcept {
  return impl_->in_flight.load(std::memory_order_relaxed);
}
std::size_t session::queued() const noexcept {
  return impl_->queued.load(std::memory_order_relaxed);
}
int session::backend_pid() const noexcept { return impl_->pid.load(std::memory_order_relaxed); }

}  // namespace cascade::pg
