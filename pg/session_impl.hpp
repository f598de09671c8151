// pg/session_impl.hpp
//
// Private to pg/: the moving parts of a session. Everything runs on the strand unless said
// otherwise.
//
//   idle -> connecting -> greeting -> ready -> over        (any state may go to over)
//
// Two waits are out at most: one for reading (always, from greeting on, so that both sides may fill
// their buffers at once without a deadlock) and one for writing (while libpq holds unsent bytes).
// The result loop follows libpq's grammar: each command is its results and then a null; each Sync
// is one PGRES_PIPELINE_SYNC without a null.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <deque>

#include "pg/libpq.hpp"
#include "pg/prepared.hpp"
#include "pg/session.hpp"

namespace cascade::pg {

struct session::impl {
  enum class phase { idle, connecting, greeting, ready, over };

  struct waiting_batch {
    std::vector<statement> statements;
    deadline until;
    batch_callback done;
  };
  struct use {
    detail::query_entry* entry = nullptr;                  // null for raw text
    std::shared_ptr<detail::prepared_statement> prepared;  // null when not prepared
  };
  // What one Sync ends: a batch, or (preparing set) one Parse of our own.
  struct sent_batch {
    std::vector<use> uses;
    std::shared_ptr<detail::prepared_statement> preparing;
    std::size_t at = 0;  // the command whose results come next
    std::vector<rows> results;
    std::optional<failure> error;
    deadline until;
    batch_callback done;
    bool counted = false;  // one of in_flight_max
  };

  impl(boost::asio::io_context& io, session_options o)
      : options(std::move(o)),
        strand(boost::asio::make_strand(io)),
        socket(strand),
        timer(strand) {}
  ~impl();

  std::shared_ptr<session> self() const { return owner->shared_from_this(); }
  bool over() const noexcept { return now_in == phase::over; }

  // -- session_connect.cpp
  // -----------------------------------------------------------------------------------------
  void connect();
  void connect_step(bool wait_for_read);
  void connected();
  void greet();
  void give_back_socket();
  void wait_timer(deadline until);
  void check_deadlines();
  void lose(failure why);
  void end(failure why, bool tell);
  static void on_notice(void* self, const PGresult* r);

  // -- session_pipeline.cpp
  // ----------------------------------------------------------------------------------------
  void enqueue(waiting_batch b);
  void pump();
  bool send(waiting_batch b, bool counted);
  bool send_prepare(const std::shared_ptr<detail::prepared_statement>& p, const sql::query& q,
                    deadline until);
  bool send_statement(const statement& s, const use& u);
  void wait_read();
  void wait_write();
  void readable();
  bool take_notifications();
  void read_results();
  void take(result_handle r, bool& ended);
  void finish_front();

  session* owner = nullptr;
  session_options options;
  boost::asio::strand<boost::asio::io_context::executor_type> strand;
  conn_handle conn;  // before socket: closed after the descriptor was given back
  boost::asio::posix::stream_descriptor socket;
  boost::asio::steady_timer timer;
  std::optional<deadline> timer_at;
  std::optional<deadline> connect_until;

  phase now_in = phase::idle;
  failure ended_by;              // what later submissions get
  std::optional<failure> fatal;  // the server's last words
  ready_callback on_ready;
  lost_callback on_lost;

  std::deque<waiting_batch> waiting;
  std::deque<sent_batch> sent;
  std::size_t counted = 0;
  bool answered = false;  // the current command has had a result; its null comes next
  bool writing = false;
  detail::prepared_statements prepared;
  std::vector<const char*> values;  // scratch of send_statement
  std::vector<int> lengths;
  std::vector<int> formats;

  session_counters counters;
  std::atomic<std::size_t> in_flight{0};
  std::atomic<std::size_t> queued{0};
  std::atomic<int> pid{0};
};

}  // namespace cascade::pg
