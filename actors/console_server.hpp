// actors/console_server.hpp
//
// The console's socket: one line in, one line out. Knows nothing of actors: console_link.hpp joins
// the two.
//
// Owner     a shared_ptr; one io_context thread. Only answer() may be called from elsewhere.
// Access    the socket's directory must be 0700 and ours (it is created so), the socket is 0600,
//           and the peer must have our uid or be root (SO_PEERCRED). A stale socket file is
//           replaced only if nobody answers there; a lock file beside it keeps two starting nodes
//           apart.
// Limits    connections_max (a further one gets an error line), line_bytes_max, one request at a
//           time a connection, idle_max without a request, answer_within for each.
// Errors    listen() returns the reason; later trouble ends one connection, never the server.
// Tests     tests/actors/console_server_test.cpp
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace cascade {

struct console_server_options {
  std::filesystem::path path;
  std::size_t connections_max = 16;
  std::size_t line_bytes_max = 64u << 10;
  std::chrono::milliseconds idle_max = std::chrono::minutes(15);
  std::chrono::milliseconds answer_within = std::chrono::seconds(5);
};

class console_session;

class console_server : public std::enable_shared_from_this<console_server> {
public:
  // Takes a request line on the io_context thread. The answer comes through answer(), later or
  // never.
  using line_function = std::function<void(std::uint64_t request, std::string line)>;

  console_server(boost::asio::io_context& io, console_server_options options);
  ~console_server();
  console_server(const console_server&) = delete;
  console_server& operator=(const console_server&) = delete;

  void on_line(line_function f) { on_line_ = std::move(f); }

  // Opens the socket and begins to accept. Returns why not, or an empty text.
  std::string listen();

  // Closes everything and removes the socket file. Idempotent.
  void close();

  // Thread-safe: hands the answer (one line, without newline) to whoever asked; dropped if that is
  // gone or gave up.
  void answer(std::uint64_t request, std::string line);

  boost::asio::io_context& io() noexcept { return io_; }

private:
  friend class console_session;
  using protocol = boost::asio::local::stream_protocol;

  void accept();
  void admit(protocol::socket socket);
  void hand_out(console_session& session, std::string line);
  void withdraw(console_session& session);
  void release(console_session& session);
  std::string take_lock();
  std::string prepare_path() const;

  boost::asio::io_context& io_;
  console_server_options options_;
  line_function on_line_;
  protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::unordered_map<console_session*, std::shared_ptr<console_session>> sessions_;
  std::unordered_map<std::uint64_t, console_session*> open_requests_;  // at most one a session
  std::uint64_t last_request_ = 0;
  int lock_ = -1;
  bool bound_ = false;
};

}  // namespace cascade
