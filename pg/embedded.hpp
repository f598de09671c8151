// pg/embedded.hpp
//
// The private Postgres cluster: created, started, adopted and stopped by the service that owns its
// directory.
//
//   DIR/cascade.lock   held by the service (pg/data_dir_lock.hpp): take it before start()
//   DIR/cascade.conf   server settings, written at each start, included by
//                      DIR/postgres/postgresql.conf
//   DIR/postgres       PGDATA. Appears by a rename once initdb is through; a torn DIR/postgres.new
//                      is thrown away
//   DIR/run            the socket; elsewhere, in a private directory, when the path is too long for
//                      a socket
//   DIR/postgres.log
//
// Security   no TCP; local trust, which is safe because only the owner passes the socket's
//            directory (0700).
// Root       Postgres runs as `user`; PGDATA and the socket's directory belong to it, DIR to root
//            and its group (0710).
// Thread     blocking; one thread at a time.
// Leftover   a server that outlived its service is adopted when it answers, otherwise it is ended
//            and started anew.
// Life       the destructor leaves the server running; stop() stops it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pg/child.hpp"
#include "pg/deadline.hpp"
#include "pg/failure.hpp"

namespace cascade::pg {

struct embedded_settings {
  std::filesystem::path
      bin_dir;  // with postgres and initdb; empty: /usr/lib/postgresql/*/bin, see find_binaries
  std::string user = "postgres";  // when we are root
  std::string database = "cascade";
  std::vector<std::pair<std::string, std::string>>
      server;                                        // further settings of the server, these win
  std::chrono::milliseconds adopt_deadline{10'000};  // for a leftover server to answer
};

class embedded_cluster {
public:
  enum class ending {
    fast,
    immediate,
    killed
  };  // immediate and killed mean crash recovery at the next start

  embedded_cluster(std::filesystem::path data_dir, embedded_settings settings);
  ~embedded_cluster();
  embedded_cluster(const embedded_cluster&) = delete;
  embedded_cluster& operator=(const embedded_cluster&) = delete;

  // Ensures: the server answers and the database exists. May be called again after the server
  // ended. Returns nothing on success.
  std::optional<failure> start(deadline until);
  // Fast shutdown; what is left of it shortly before the deadline gets SIGQUIT, and at last
  // SIGKILL. Idempotent.
  ending stop(deadline until);

  bool alive();
  bool wait_exit(deadline until);  // true: the server has ended
  bool adopted() const noexcept { return adopted_; }
  pid_t pid() const noexcept { return server_ ? server_->pid() : 0; }
  // Superuser; the database is settings.database. Valid after start.
  std::string conninfo() const;
  const std::filesystem::path& log_file() const noexcept { return log_; }

private:
  std::optional<failure> prepare_directories();
  std::optional<failure> prepare_socket_directory();
  std::optional<failure> own_directory(const std::filesystem::path& path);
  std::optional<failure> find_binaries();
  std::optional<failure> initialize(deadline until);
  std::optional<failure> write_configuration();
  std::optional<failure> take_over_leftover(bool& adopted_now);
  std::optional<failure> launch(deadline until);
  std::optional<failure> wait_ready(deadline until);
  std::optional<failure> create_database(deadline until);
  std::string conninfo_of(const std::string& database) const;
  std::string log_tail(std::uintmax_t from) const;

  embedded_settings settings_;
  std::filesystem::path dir_;
  std::filesystem::path pgdata_;
  std::filesystem::path run_;
  std::filesystem::path log_;
  std::filesystem::path bin_;
  std::optional<detail::account> account_;
  std::optional<detail::child> server_;
  std::uintmax_t log_from_ = 0;
  bool adopted_ = false;
};

}  // namespace cascade::pg
