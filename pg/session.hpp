// pg/session.hpp
//
// One asynchronous connection in libpq's pipeline mode: the engine's workhorse.
//
// Batch     statements and one Sync: one implicit transaction, all or nothing, unless the batch
//           opens one itself with raw statements (begin ... commit), which may also span batches.
//           Later batches do not wait for earlier ones.
// Thread    submit, close, start and the readers of counters: any thread. Callbacks run on the
//           io_context, one at a time and in order of submission; they must not throw and must not
//           block. They may call submit and close.
// Promise   a callback runs exactly once, as long as the io_context runs until the session is lost
//           or closed.
// Deadline  when the deadline of any batch passes, the connection is closed: every outstanding
//           batch fails with deadline_exceeded. Outcome unknown, as with a lost connection, when
//           failure::outcome_unknown says so.
// Prepare   on first use, in front of the batch and outside its transaction: a query that needs
//           what the same batch creates must be sent with prepared = false.
// Life      one: after on_lost or close, make a new session. Connecting may read files and resolve
//           names (blocking).
// Limits    in_flight_max batches are on the way; further ones queue here (queued()): the caller
//           holds its credits.
// Restart   nothing is kept.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pg/deadline.hpp"
#include "pg/failure.hpp"
#include "pg/params.hpp"
#include "pg/rows.hpp"
#include "sql/query.hpp"

namespace cascade::pg {

struct statement {
  const sql::query* query = nullptr;  // must outlive the session; null: `text` is the statement
  params values;
  bool prepared = true;  // parse once a session; raw text never is
  std::string text;      // one raw statement, such as "begin isolation level repeatable read"

  statement(const sql::query& q, params v = {}, bool prepare = true)
      : query(&q), values(std::move(v)), prepared(prepare) {}
  explicit statement(std::string raw, params v = {})
      : values(std::move(v)), prepared(false), text(std::move(raw)) {}
};

// The rows of each statement, or why none of it happened.
using batch_reply = expected<std::vector<rows>>;
using batch_callback = std::function<void(batch_reply)>;

struct session_options {
  std::string conninfo;
  std::string name = "cascade";  // application_name
  std::string role;              // set role after connecting; empty: none
  std::vector<std::pair<std::string, std::string>> settings;  // set after connecting
  std::chrono::milliseconds connect_deadline{10'000};
  std::size_t in_flight_max = 32;
  std::function<void(const failure&)> on_notice;  // warnings of the server; io_context
  std::function<void(std::string_view channel, std::string_view payload)>
      on_notify;  // after LISTEN; io_context
};

// Totals since the start. Readable from any thread.
struct session_counters {
  std::atomic<std::uint64_t> batches{0};         // answered
  std::atomic<std::uint64_t> batches_failed{0};  // refused by the server, lost or closed
  std::atomic<std::uint64_t> statements{0};      // answered with success
  std::atomic<std::uint64_t> prepared{0};
  std::atomic<std::uint64_t> rows{0};            // returned or affected
  std::atomic<std::uint64_t> bytes_sent{0};      // values of parameters and raw text
  std::atomic<std::uint64_t> bytes_received{0};  // memory of results
  std::atomic<std::uint64_t> round_trips{0};  // waits for the server that ended at least one batch
};

class session : public std::enable_shared_from_this<session> {
public:
  using ready_callback = std::function<void()>;
  using lost_callback = std::function<void(failure)>;

  static std::shared_ptr<session> make(boost::asio::io_context& io, session_options options);
  ~session();
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  // Connects. Exactly one of: on_ready and perhaps later on_lost; on_lost. Neither after close().
  // Call once.
  void start(ready_callback on_ready, lost_callback on_lost);

  // Batches given before on_ready wait for it. An empty batch is a bare round trip.
  void submit(std::vector<statement> batch, deadline until, batch_callback done);
  void submit(statement one, deadline until, batch_callback done);

  // Drops the connection; outstanding batches fail with shutting_down, on_lost is not called.
  // Idempotent.
  void close();

  const session_counters& counters() const noexcept;
  std::vector<std::pair<std::string, std::uint64_t>> statement_counts() const;  // by query name
  std::size_t in_flight() const noexcept;
  std::size_t queued() const noexcept;
  int backend_pid() const noexcept;  // 0 before on_ready

private:
  struct impl;
  explicit session(std::unique_ptr<impl> i);

  std::unique_ptr<impl> impl_;
};

}  // namespace cascade::pg
