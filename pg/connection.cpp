#include "pg/connection.hpp"

#include <poll.h>

#include <cerrno>

#include "pg/libpq.hpp"
#include "state/assert.hpp"

namespace cascade::pg {

using detail::failure_of;
using detail::local_failure;

struct connection::state {
  connect_options options;
  conn_handle conn;
  std::optional<failure> fatal;  // the server's last words

  failure broken(failure why) {
    if (fatal && why.code == errc::database_unavailable && why.sqlstate.empty()) why = *fatal;
    conn.reset();
    return why;
  }

  // Waits for the socket; false when the deadline passes.
  bool wait(short events, deadline until) {
    pollfd p{PQsocket(conn.get()), events, 0};
    for (;;) {
      const auto left = std::min<std::int64_t>(until.left().count(), 3'600'000);
      const int n = ::poll(&p, 1, static_cast<int>(left));
      if (n > 0) return true;
      if (n < 0 && errno != EINTR) return true;  // the next call of libpq tells what is wrong
      if (until.passed()) return false;
    }
  }

  failure too_late(const char* what) {
    auto f = broken(local_failure(errc::deadline_exceeded, what));
    f.outcome_unknown = true;
    return f;
  }

  std::optional<failure> connect(const std::string& conninfo, deadline until);
  expected<std::vector<rows>> run(bool sent, deadline until);
  expected<rows> run_one(const std::string& sql, const params& values, int format, deadline until);

  static void notice(void* self, const PGresult* r) {
    auto& s = *static_cast<state*>(self);
    const auto f = failure_of(r);
    if (PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED) != nullptr &&
        detail::ends_connection(r))
      s.fatal = f;
    if (s.options.on_notice) s.options.on_notice(f);
  }
};

std::optional<failure> connection::state::connect(const std::string& conninfo, deadline until) {
  auto begun = detail::begin_connect(conninfo, options.name);
  if (!begun) return std::move(begun).error();
  conn = std::move(begun).value();
  PQsetNoticeReceiver(conn.get(), &state::notice, this);
  auto next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED) return broken(failure_of(conn.get(), "cannot connect"));
    if (!wait(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
      return broken(local_failure(errc::deadline_exceeded, "cannot connect within the deadline"));
    next = PQconnectPoll(conn.get());
  }
  if (PQsetnonblocking(conn.get(), 1) != 0) return broken(failure_of(conn.get(), "cannot connect"));
  return std::nullopt;
}

expected<std::vector<rows>> connection::state::run(bool sent, deadline until) {
  if (!sent) {
    auto why = failure_of(conn.get(), "cannot send");
    if (PQstatus(conn.get()) != CONNECTION_BAD) {
      why.code = errc::database_rejected;  // libpq refused the call, nothing went out
      return why;
    }
    return broken(std::move(why));
  }
  std::vector<rows> out;
  std::optional<failure> refused;
  for (;;) {
    const int unsent = PQflush(conn.get());
    while (PQisBusy(conn.get()) == 0) {
      result_handle r{PQgetResult(conn.get())};
      if (!r) {
        if (refused) return std::move(*refused);
        return out;
      }
      switch (PQresultStatus(r.get())) {
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
        case PGRES_EMPTY_QUERY:
          out.emplace_back(std::move(r));
          break;
        case PGRES_FATAL_ERROR: {
          auto why = failure_of(r.get());
          if (!detail::ends_connection(r.get())) {
            if (!refused) refused = std::move(why);
            break;
          }
          why = broken(std::move(why));
          why.code = errc::database_unavailable;
          why.outcome_unknown = true;
          return why;
        }
        default:
          return broken(local_failure(errc::database_rejected, "COPY is not supported"));
      }
    }
    if (!wait(static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), until))
      return too_late("the database did not answer within the deadline");
    if (PQconsumeInput(conn.get()) != 1 && PQisBusy(conn.get()) != 0) {
      auto why = broken(failure_of(conn.get(), "the connection broke"));
      why.outcome_unknown = true;
      return why;
    }
  }
}

expected<rows> connection::state::run_one(const std::string& sql, const params& p, int format,
                                          deadline until) {
  if (!conn) return local_failure(errc::database_unavailable, "the connection is closed");
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<oid> types;
  for (int i = 0; i < p.size(); ++i) {
    values.push_back(p.data(i));
    lengths.push_back(p.length(i));
    types.push_back(p.type_of(i));
  }
  const std::vector<int> formats(values.size(), 1);
  const bool sent = PQsendQueryParams(conn.get(), sql.c_str(), p.size(), types.data(),
                                      values.data(), lengths.data(), formats.data(), format) == 1;
  auto all = run(sent, until);
  if (!all) return std::move(all).error();
  CASCADE_ASSERT(!all.value().empty());
  return std::move(all.value().front());
}

connection::connection(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;
connection::~connection() = default;

expected<connection> connection::connect(const std::string& conninfo, connect_options options) {
  const auto until = deadline::in(options.connect_deadline);
  auto s = std::make_unique<state>();
  s->options = std::move(options);
  if (auto why = s->connect(conninfo, until)) return std::move(*why);
  connection c{std::move(s)};
  auto settings = c.state_->options.settings;
  if (!c.state_->options.role.empty()) settings.emplace_back("role", c.state_->options.role);
  for (const auto& [name, value] : settings) {
    auto set = c.exec("select pg_catalog.set_config($1, $2, false)",
                      params{}.text(name).text(value), until);
    if (!set) return std::move(set).error();
  }
  return c;
}

expected<rows> connection::exec(const std::string& sql, const params& values, deadline until) {
  return state_->run_one(sql, values, 1, until);
}
expected<rows> connection::exec_as_text(const std::string& sql, const params& values,
                                        deadline until) {
  return state_->run_one(sql, values, 0, until);
}
expected<std::vector<rows>> connection::exec_text(const std::string& sql, deadline until) {
  if (!state_->conn) return local_failure(errc::database_unavailable, "the connection is closed");
  return state_->run(PQsendQuery(state_->conn.get(), sql.c_str()) == 1, until);
}

expected<std::optional<notification>> connection::wait_notification(deadline until) {
  auto& s = *state_;
  for (;;) {
    if (!s.conn) return local_failure(errc::database_unavailable, "the connection is closed");
    if (const libpq_memory<PGnotify> n{PQnotifies(s.conn.get())}; n)
      return std::optional{notification{n->relname, n->extra, n->be_pid}};
    if (!s.wait(POLLIN, until)) return std::optional<notification>{};
    if (PQconsumeInput(s.conn.get()) != 1)
      return s.broken(failure_of(s.conn.get(), "the connection broke"));
  }
}

bool connection::alive() const noexcept {
  return state_ && state_->conn && PQstatus(state_->conn.get()) == CONNECTION_OK;
}
int connection::server_version() const noexcept {
  return alive() ? PQserverVersion(state_->conn.get()) : 0;
}
int connection::backend_pid() const noexcept {
  return alive() ? PQbackendPID(state_->conn.get()) : 0;
}

}  // namespace cascade::pg
