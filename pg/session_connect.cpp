// The life of a session: connecting, deadlines, the end.
#include "pg/session_impl.hpp"

namespace cascade::pg {

using wait = boost::asio::posix::descriptor_base;

session::impl::~impl() { give_back_socket(); }

void session::impl::connect() {
  now_in = phase::connecting;
  connect_until = deadline::in(options.connect_deadline);
  wait_timer(*connect_until);
  auto begun = detail::begin_connect(options.conninfo, options.name);
  if (!begun) return lose(std::move(begun).error());
  conn = std::move(begun).value();
  PQsetNoticeReceiver(conn.get(), &impl::on_notice, this);
  connect_step(false);
}

// libpq may close its socket and open another one, even under the same number: asio must not know
// it meanwhile.
void session::impl::connect_step(bool wait_for_read) {
  socket.assign(PQsocket(conn.get()));
  socket.async_wait(wait_for_read ? wait::wait_read : wait::wait_write,
                    [self = self()](const boost::system::error_code& e) {
                      auto& i = *self->impl_;
                      if (e || i.over()) return;
                      i.give_back_socket();
                      switch (PQconnectPoll(i.conn.get())) {
                        case PGRES_POLLING_READING:
                          return i.connect_step(true);
                        case PGRES_POLLING_WRITING:
                          return i.connect_step(false);
                        case PGRES_POLLING_OK:
                          return i.connected();
                        default:
                          return i.lose(detail::failure_of(i.conn.get(), "cannot connect"));
                      }
                    });
}

void session::impl::connected() {
  if (PQsetnonblocking(conn.get(), 1) != 0 || PQenterPipelineMode(conn.get()) != 1)
    return lose(detail::failure_of(conn.get(), "cannot enter pipeline mode"));
  socket.assign(PQsocket(conn.get()));
  pid.store(PQbackendPID(conn.get()), std::memory_order_relaxed);
  now_in = phase::greeting;
  greet();
}

// Role and settings come first: no statement of a caller may run with other rights than it was
// given.
void session::impl::greet() {
  waiting_batch hello{{}, *connect_until, {}};
  const auto set = [&](std::string_view name, std::string_view value) {
    hello.statements.push_back(
        statement{"select pg_catalog.set_config($1, $2, false)", params{}.text(name).text(value)});
  };
  // Tells the server to notice while it works that we are gone: a query must not outlive its caller
  // for long.
  if (PQserverVersion(conn.get()) >= 140000) set("client_connection_check_interval", "2s");
  for (const auto& [name, value] : options.settings) set(name, value);
  if (!options.role.empty()) set("role", options.role);
  hello.done = [this](batch_reply reply) {
    if (!reply) {
      auto why = std::move(reply).error();
      why.message = "cannot set role and settings: " + why.message;
      return lose(std::move(why));
    }
    now_in = phase::ready;
    connect_until.reset();
    if (on_ready) std::exchange(on_ready, {})();
  };
  if (!send(std::move(hello), false)) return lose(detail::failure_of(conn.get(), "cannot send"));
  wait_read();
  pump();
}

void session::impl::give_back_socket() {
  // Before PQfinish: otherwise a new connection with the same number would get our events.
  if (socket.is_open()) socket.release();
}

// One timer for all deadlines: armed for the earliest, checked when it fires, never touched by
// completions.
void session::impl::wait_timer(deadline until) {
  if (timer_at && !(until < *timer_at)) return;
  timer_at = until;
  timer.expires_at(until.at());
  timer.async_wait([self = self()](const boost::system::error_code& e) {
    if (e || self->impl_->over()) return;
    self->impl_->timer_at.reset();
    self->impl_->check_deadlines();
  });
}

void session::impl::check_deadlines() {
  std::optional<deadline> first = connect_until;
  const auto note = [&](const auto& batch) {
    if (!first || batch.until < *first) first = batch.until;
  };
  for (const auto& b : sent) note(b);
  for (const auto& b : waiting) note(b);
  if (!first) return;
  if (!first->passed()) return wait_timer(*first);
  lose(detail::local_failure(errc::deadline_exceeded,
                             now_in == phase::ready
                                 ? "the database did not answer within the deadline"
                                 : "cannot connect within the deadline"));
}

void session::impl::lose(failure why) {
  // The server's own last words say more than "connection closed unexpectedly".
  if (fatal && why.code == errc::database_unavailable && why.sqlstate.empty()) why = *fatal;
  // Whatever made the server end a working connection: a new one is the answer.
  if (!why.sqlstate.empty() && now_in == phase::ready) why.code = errc::database_unavailable;
  end(std::move(why), true);
}

void session::impl::end(failure why, bool tell) {
  if (over()) return;
  now_in = phase::over;
  ended_by = why;
  ended_by.statement = -1;
  ended_by.outcome_unknown = false;
  boost::system::error_code ignored;
  timer.cancel(ignored);
  give_back_socket();
  conn.reset();
  pid.store(0, std::memory_order_relaxed);

  const auto lost = std::exchange(sent, {});
  const auto never_sent = std::exchange(waiting, {});
  in_flight.store(0, std::memory_order_relaxed);
  queued.fetch_sub(never_sent.size(), std::memory_order_relaxed);
  const auto ready_call = std::exchange(on_ready, {});
  const auto lost_call = std::exchange(on_lost, {});
  counters.batches_failed.fetch_add(counted + never_sent.size(), std::memory_order_relaxed);
  for (const auto& b : lost) {
    if (!b.counted) continue;  // our own
    // An answer that came before the end stands: the server had already rolled the batch back.
    failure f = b.error.value_or(ended_by);
    f.outcome_unknown = !b.error;
    b.done(std::move(f));
  }
  for (const auto& b : never_sent) b.done(ended_by);
  if (tell && lost_call) lost_call(ended_by);
}

void session::impl::on_notice(void* self, const PGresult* r) {
  auto& i = *static_cast<impl*>(self);
  auto notice = detail::failure_of(r);
  if (PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED) != nullptr && detail::ends_connection(r))
    i.fatal = notice;
  if (i.options.on_notice) i.options.on_notice(notice);
}

}  // namespace cascade::pg
