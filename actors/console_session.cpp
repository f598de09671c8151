#include "actors/console_session.hpp"

#include <boost/asio/buffer.hpp>
#include <nlohmann/json.hpp>

namespace cascade {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {
std::string error_line(const std::string& why) {
  return nlohmann::json{{"ok", false}, {"text", why}, {"data", nullptr}}.dump();
}
}  // namespace

console_session::console_session(std::weak_ptr<console_server> server, socket_type socket,
                                 const console_server_options& options)
    : server_(std::move(server)),
      socket_(std::move(socket)),
      line_bytes_max_(options.line_bytes_max),
      idle_max_(options.idle_max),
      answer_within_(options.answer_within),
      timer_(socket_.get_executor()) {}

// Arms the only timer of a session; arming it again, or cancelling it, withdraws the earlier limit.
void console_session::guard(std::chrono::milliseconds limit, std::function<void()> act) {
  timer_.expires_after(limit);
  timer_.async_wait([me = weak_from_this(), act = std::move(act)](error_code e) {
    if (auto session = me.lock(); session && !e && !session->closed_) act();
  });
}

void console_session::read() {
  guard(idle_max_, [this] { close(); });
  asio::async_read_until(socket_, asio::dynamic_buffer(input_, line_bytes_max_ + 1), '\n',
                         [me = shared_from_this()](error_code e, std::size_t bytes) {
                           if (me->closed_) return;
                           if (e == asio::error::not_found)
                             return me->refuse("a request line has at most " +
                                               std::to_string(me->line_bytes_max_) + " bytes");
                           if (e) return me->close();
                           me->take_line(bytes);
                         });
}

void console_session::take_line(std::size_t bytes) {
  auto line = input_.substr(0, bytes - 1);
  input_.erase(0, bytes);
  const auto server = server_.lock();
  if (!server || !server->on_line_) return refuse("the console is not running");
  guard(answer_within_, [this] { answer(error_line("no answer in time")); });
  server->hand_out(*this, std::move(line));
}

void console_session::answer(std::string line) {
  if (closed_) return;
  if (const auto server = server_.lock()) server->withdraw(*this);
  write(std::move(line), false);
}

void console_session::refuse(const std::string& why) { write(error_line(why), true); }

void console_session::write(std::string line, bool then_close) {
  output_ = std::move(line) + "\n";
  guard(answer_within_, [this] { close(); });  // the peer does not read
  asio::async_write(socket_, asio::buffer(output_),
                    [me = shared_from_this(), then_close](error_code e, std::size_t) {
                      if (me->closed_) return;
                      if (e || then_close) return me->close();
                      me->read();
                    });
}

void console_session::close() {
  if (std::exchange(closed_, true)) return;
  error_code ignored;
  timer_.cancel(ignored);
  socket_.shutdown(socket_type::shutdown_both, ignored);
  socket_.close(ignored);
  if (auto server = server_.lock()) server->release(*this);
}

}  // namespace cascade
