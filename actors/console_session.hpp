// actors/console_session.hpp
//
// One connection of the console's socket: reads a line, waits for its answer, writes it, and so on.
// Private to console_server.cpp; lives on the io_context thread.
#pragma once

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "actors/console_server.hpp"

namespace cascade {

class console_session : public std::enable_shared_from_this<console_session> {
public:
  using socket_type = boost::asio::local::stream_protocol::socket;

  console_session(std::weak_ptr<console_server> server, socket_type socket,
                  const console_server_options& options);

  std::uint64_t request = 0;  // the open one, or 0; the server's

  void read();

  // The answer to the open request.
  void answer(std::string line);

  // Writes one line and closes: for those who are not let in.
  void refuse(const std::string& why);

  void close();

private:
  void take_line(std::size_t bytes);
  void write(std::string line, bool then_close);
  void guard(std::chrono::milliseconds limit, std::function<void()> act);

  std::weak_ptr<console_server> server_;
  socket_type socket_;
  std::size_t line_bytes_max_;
  std::chrono::milliseconds idle_max_;
  std::chrono::milliseconds answer_within_;
  std::string input_;
  std::string output_;
  boost::asio::steady_timer timer_;
  bool closed_ = false;
};

}  // namespace cascade
