// The traffic of a session: batches out, results in.
#include "pg/session_impl.hpp"

namespace cascade::pg {

using wait = boost::asio::posix::descriptor_base;
constexpr auto relaxed = std::memory_order_relaxed;

void session::impl::enqueue(waiting_batch b) {
  if (over()) {
    queued.fetch_sub(1, relaxed);
    counters.batches_failed.fetch_add(1, relaxed);
    return b.done(ended_by);
  }
  wait_timer(b.until);
  waiting.push_back(std::move(b));
  if (now_in == phase::ready) pump();
}

// Sends what may be sent, flushes, and takes what has arrived: writing may have read, and a
// buffered answer would wake nobody.
void session::impl::pump() {
  bool more = true;
  while (more) {
    while (now_in == phase::ready && !waiting.empty() && counted < options.in_flight_max) {
      auto next = std::move(waiting.front());
      waiting.pop_front();
      queued.fetch_sub(1, relaxed);
      if (!send(std::move(next), true)) return lose(detail::failure_of(conn.get(), "cannot send"));
    }
    const int unsent = PQflush(conn.get());
    read_results();
    if (over()) return;
    if (unsent < 0 || PQstatus(conn.get()) == CONNECTION_BAD)
      return lose(detail::failure_of(conn.get(), "the connection broke"));
    if (unsent > 0) wait_write();
    if (!take_notifications()) return;
    // Answers made room, or the greeting ended: each further round sends at least one batch.
    more = now_in == phase::ready && !waiting.empty() && counted < options.in_flight_max;
  }
}

bool session::impl::send(waiting_batch b, bool is_counted) {
  sent_batch item;
  item.until = b.until;
  item.done = std::move(b.done);
  item.counted = is_counted;
  item.uses.reserve(b.statements.size());
  item.results.reserve(b.statements.size());
  bool ok = true;
  for (const auto& s : b.statements) {
    use u;
    if (s.query != nullptr) {
      u.entry = &prepared.entry(*s.query);
      if (s.prepared) {
        u.prepared = prepared.find(*u.entry, *s.query, s.values);
        if (!u.prepared->sent) ok = ok && send_prepare(u.prepared, *s.query, b.until);
      }
    }
    item.uses.push_back(std::move(u));
  }
  for (std::size_t i = 0; ok && i < b.statements.size(); ++i)
    ok = send_statement(b.statements[i], item.uses[i]);
  ok = ok && PQpipelineSync(conn.get()) == 1;
  // Also when it could not be sent: whoever waits for it hears of it when the connection is given
  // up.
  sent.push_back(std::move(item));
  if (is_counted) in_flight.store(++counted, relaxed);
  return ok;
}

// Under a Sync of its own: a failing statement must not take the parsing of another one with it,
// since batches that were sent meanwhile count on it.
bool session::impl::send_prepare(const std::shared_ptr<detail::prepared_statement>& p,
                                 const sql::query& q, deadline until) {
  p->sent = true;
  sent_batch item;
  item.preparing = p;
  item.until = until;
  sent.push_back(std::move(item));
  return PQsendPrepare(conn.get(), p->name.c_str(), q.text, static_cast<int>(p->types.size()),
                       p->types.data()) == 1 &&
         PQpipelineSync(conn.get()) == 1;
}

bool session::impl::send_statement(const statement& s, const use& u) {
  const int n = s.values.size();
  values.clear();
  lengths.clear();
  std::vector<oid> types;
  for (int i = 0; i < n; ++i) {
    values.push_back(s.values.data(i));
    lengths.push_back(s.values.length(i));
    if (!u.prepared) types.push_back(s.values.type_of(i));
  }
  formats.assign(static_cast<std::size_t>(n), 1);
  counters.bytes_sent.fetch_add(s.values.bytes() + s.text.size(), relaxed);
  if (u.prepared)
    return PQsendQueryPrepared(conn.get(), u.prepared->name.c_str(), n, values.data(),
                               lengths.data(), formats.data(), 1) == 1;
  const char* text = s.query != nullptr ? s.query->text : s.text.c_str();
  return PQsendQueryParams(conn.get(), text, n, types.data(), values.data(), lengths.data(),
                           formats.data(), 1) == 1;
}

void session::impl::wait_read() {
  socket.async_wait(wait::wait_read, [self = self()](const boost::system::error_code& e) {
    if (!e && !self->impl_->over()) self->impl_->readable();
  });
}

void session::impl::wait_write() {
  if (writing) return;
  writing = true;
  socket.async_wait(wait::wait_write, [self = self()](const boost::system::error_code& e) {
    self->impl_->writing = false;
    if (!e && !self->impl_->over()) self->impl_->pump();
  });
}

void session::impl::readable() {
  // A TLS record may be larger than libpq's read buffer, and what is left in the TLS layer wakes
  // nobody.
  const int reads = PQsslInUse(conn.get()) ? 3 : 1;
  bool alive = true;
  for (int i = 0; alive && i < reads; ++i) alive = PQconsumeInput(conn.get()) == 1;
  if (!alive) {
    const auto why = detail::failure_of(conn.get(), "the connection broke");
    if (!take_notifications()) return;
    read_results();  // answers that arrived before the end
    return lose(why);
  }
  if (!take_notifications()) return;
  pump();
  if (!over()) wait_read();
}

bool session::impl::take_notifications() {
  while (!over()) {
    const libpq_memory<PGnotify> n{PQnotifies(conn.get())};
    if (!n) return true;
    if (options.on_notify) options.on_notify(n->relname, n->extra);
  }
  return false;
}

void session::impl::read_results() {
  bool ended = false;
  int nulls = 0;
  while (!over() && !sent.empty() && PQisBusy(conn.get()) == 0) {
    result_handle r{PQgetResult(conn.get())};
    if (r) {
      nulls = 0;
      take(std::move(r), ended);
    } else if (answered) {
      answered = false;
      ++sent.front().at;
    } else if (++nulls > 1) {
      break;  // not in libpq's grammar: wait for more rather than spin; the deadline is the net
    }
  }
  if (ended) counters.round_trips.fetch_add(1, relaxed);
}

void session::impl::take(result_handle r, bool& ended) {
  auto& front = sent.front();
  switch (PQresultStatus(r.get())) {
    case PGRES_PIPELINE_SYNC:
      ended = ended || front.counted;
      return finish_front();
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      answered = true;
      if (front.error || front.preparing) return;
      counters.bytes_received.fetch_add(PQresultMemorySize(r.get()), relaxed);
      front.results.emplace_back(std::move(r));
      return;
    case PGRES_PIPELINE_ABORTED:
      answered = true;
      return;
    case PGRES_FATAL_ERROR:
      if (detail::ends_connection(r.get())) return lose(detail::failure_of(r.get()));
      answered = true;
      if (!front.error) {
        front.error = detail::failure_of(r.get());
        front.error->statement = static_cast<int>(front.at);
      }
      return;
    default:
      return lose(detail::local_failure(errc::database_rejected, "COPY cannot be used in a batch"));
  }
}

void session::impl::finish_front() {
  auto batch = std::move(sent.front());
  sent.pop_front();
  answered = false;
  if (batch.preparing) {
    if (batch.error)
      batch.preparing->failed = std::move(batch.error);
    else
      counters.prepared.fetch_add(1, relaxed);
    return;
  }
  if (batch.counted) in_flight.store(--counted, relaxed);
  if (batch.error) {
    counters.batches_failed.fetch_add(1, relaxed);
    const auto at = static_cast<std::size_t>(batch.error->statement);
    if (at < batch.uses.size() && batch.uses[at].prepared) {
      auto& statement = *batch.uses[at].prepared;
      const auto& state = batch.error->sqlstate;
      if (state == "26000" && statement.failed) {
        // "No such prepared statement" is only the echo of why it could not be parsed.
        batch.error = statement.failed;
        batch.error->statement = static_cast<int>(at);
      } else if (state == "26000" || state == "0A000") {
        prepared.forget(
            statement);  // deallocated by somebody, or a changed table changed its result
      }
    }
    return batch.done(std::move(*batch.error));
  }
  if (batch.counted) {
    counters.batches.fetch_add(1, relaxed);
    counters.statements.fetch_add(batch.results.size(), relaxed);
    std::uint64_t rows_seen = 0;
    for (std::size_t i = 0; i < batch.results.size(); ++i) {
      rows_seen += static_cast<std::uint64_t>(batch.results[i].affected());
      if (batch.uses[i].entry) batch.uses[i].entry->answered.fetch_add(1, relaxed);
    }
    counters.rows.fetch_add(rows_seen, relaxed);
  }
  batch.done(std::move(batch.results));
}

}  // namespace cascade::pg
