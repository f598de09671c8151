#include "pg/listener.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "pg/libpq.hpp"

namespace cascade::pg {
namespace {

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

}  // namespace

listener::listener(boost::asio::io_context& io, listener_options options,
                   listener_callbacks callbacks)
    : io_(io),
      strand_(boost::asio::make_strand(io)),
      timer_(strand_),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      random_(options_.seed) {
  note_proof();
}

std::shared_ptr<listener> listener::make(boost::asio::io_context& io, listener_options options,
                                         listener_callbacks callbacks) {
  return std::shared_ptr<listener>(new listener(io, std::move(options), std::move(callbacks)));
}

void listener::note_proof() noexcept {
  proof_.store(deadline::now().time_since_epoch().count(), std::memory_order_relaxed);
}

std::chrono::milliseconds listener::since_proof() const noexcept {
  const deadline::clock::duration at{proof_.load(std::memory_order_relaxed)};
  return std::chrono::duration_cast<std::chrono::milliseconds>(deadline::now().time_since_epoch() -
                                                               at);
}

void listener::start() {
  boost::asio::post(strand_, [self = shared_from_this()] {
    if (!self->stopped_ && !self->session_) self->connect();
  });
}

void listener::stop() {
  boost::asio::post(strand_, [self = shared_from_this()] {
    self->stopped_ = true;
    ++self->generation_;
    self->timer_.cancel();
    self->up_ = false;
    self->pid_ = 0;
    if (self->session_) self->session_->close();
    self->session_.reset();
  });
}

// The session has a strand of its own: what it reports comes over to ours, unless that session is
// over by then.
void listener::connect() {
  ++generation_;
  attempts_.fetch_add(1, std::memory_order_relaxed);
  session_options o;
  o.conninfo = options_.conninfo;
  o.name = options_.name;
  o.role = options_.role;
  o.connect_deadline = options_.connect_deadline;
  // The session is ours: what it holds must not hold us.
  const auto here = [weak = weak_from_this(), generation = generation_](auto f) {
    const auto self = weak.lock();
    if (!self) return;
    boost::asio::dispatch(self->strand_, [self, generation, f = std::move(f)]() mutable {
      if (generation == self->generation_) f(*self);
    });
  };
  o.on_notify = [here](std::string_view channel, std::string_view payload) {
    here([channel = std::string(channel), payload = std::string(payload)](listener& l) {
      l.note_proof();
      l.notifications_.fetch_add(1, std::memory_order_relaxed);
      if (l.callbacks_.on_notify) l.callbacks_.on_notify(channel, payload);
    });
  };
  session_ = session::make(io_, std::move(o));
  session_->start(
      [here] { here([](listener& l) { l.listen(); }); },
      [here](failure why) { here([why = std::move(why)](listener& l) { l.lost(why); }); });
}

void listener::listen() {
  const auto until = deadline::in(options_.connect_deadline);
  const auto self = shared_from_this();
  std::vector<statement> all;
  for (const auto& channel : options_.channels) all.emplace_back("listen " + quoted(channel));
  const auto answer = [self, generation = generation_](auto f) {
    return [self, generation, f](batch_reply reply) {
      // Rows are shared into the posted handler, since it must be copyable.
      auto shared = std::make_shared<batch_reply>(std::move(reply));
      boost::asio::dispatch(self->strand_, [self, generation, shared, f] {
        if (generation != self->generation_) return;
        // A refused LISTEN leaves the session open, so nobody else would report it.
        if (!*shared) return self->lost(shared->error());
        f(*self, shared->value());
      });
    };
  };
  // LISTEN takes effect at its commit, so the list is asked for in a second batch.
  session_->submit(std::move(all), until, answer([](listener&, const std::vector<rows>&) {}));
  session_->submit(statement{"select array(select pg_catalog.pg_listening_channels())::text[]"},
                   until,
                   answer([](listener& l, const std::vector<rows>& r) { l.verified(r.at(0)); }));
}

void listener::verified(const rows& channels) {
  const auto heard = channels.texts(0, 0);
  for (const auto& wanted : options_.channels)
    if (std::ranges::find(heard, wanted) == heard.end())
      return lost(detail::local_failure(
          errc::database_unavailable,
          "the server does not listen to " + wanted + "; is there a pooler in between?"));
  note_proof();
  failures_ = 0;
  told_down_ = false;
  up_ = true;
  pid_ = session_->backend_pid();
  prove_later();
  if (callbacks_.on_up) callbacks_.on_up();
}

void listener::prove_later() {
  timer_.expires_after(options_.proof_every);
  timer_.async_wait(
      [self = shared_from_this(), generation = generation_](const boost::system::error_code& e) {
        if (!e && generation == self->generation_) self->prove();
      });
}

// A proof that fails ends the session, whose loss is then reported as any other.
void listener::prove() {
  const auto self = shared_from_this();
  session_->submit(statement{"select 1"}, deadline::in(options_.proof_deadline),
                   [self, generation = generation_](batch_reply reply) {
                     if (!reply) return;
                     boost::asio::dispatch(self->strand_, [self, generation] {
                       if (generation != self->generation_) return;
                       self->note_proof();
                       self->proofs_.fetch_add(1, std::memory_order_relaxed);
                       self->prove_later();
                     });
                   });
}

void listener::lost(failure why) {
  ++generation_;
  timer_.cancel();
  if (session_) session_->close();
  up_ = false;
  pid_ = 0;
  timer_.expires_after(next_backoff());
  timer_.async_wait(
      [self = shared_from_this(), generation = generation_](const boost::system::error_code& e) {
        if (!e && generation == self->generation_ && !self->stopped_) self->connect();
      });
  if (std::exchange(told_down_, true)) return;
  if (callbacks_.on_down) callbacks_.on_down(why);
}

std::chrono::milliseconds listener::next_backoff() {
  auto wait = options_.backoff_min;
  for (int i = 0; i < failures_ && wait < options_.backoff_max; ++i) wait *= 2;
  wait = std::min(wait, options_.backoff_max);
  ++failures_;
  std::uniform_int_distribution<std::int64_t> upper_half(wait.count() / 2, wait.count());
  return std::chrono::milliseconds{upper_half(random_)};
}

}  // namespace cascade::pg
