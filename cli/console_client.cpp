#include "cli/console_client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/failure.hpp"
#include "cli/output.hpp"

namespace cascade {

using json = nlohmann::json;

namespace {

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

bool is_quit(const std::string& line) {
  const auto begin = line.find_first_not_of(" \t");
  const auto word = begin == std::string::npos
                        ? std::string{}
                        : line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
  return word == "quit" || word == "exit";
}

// Answers may carry bytes of strangers: a terminal must not obey them.
std::string printable(std::string text) {
  std::erase_if(text,
                [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; });
  return text;
}

std::string with_newline(std::string text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

// As the other commands do, see cli_context::report.
void complain(std::ostream& err, bool with_json, exit_code exit, std::string why) {
  while (why.ends_with('\n')) why.pop_back();
  if (with_json)
    print_error(err, cli_failure(exit, std::move(why)));
  else
    err << "error: " << with_newline(printable(std::move(why)));
  err << std::flush;
}

}  // namespace

bool console_connection::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto& path = socket_.native();
  if (path.size() >= sizeof(address.sun_path)) {
    why_ = "the path of the socket is too long: " + path;
    return false;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout_);
  timeval limit{};
  limit.tv_sec = seconds.count();
  limit.tv_usec = std::chrono::duration_cast<std::chrono::microseconds>(timeout_ - seconds).count();
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return true;
  why_ = "no node answers at " + path + ": " + std::strerror(errno);
  disconnect();
  return false;
}

void console_connection::disconnect() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  buffer_.clear();
}

bool console_connection::send_line(const std::string& line) {
  for (std::size_t sent = 0; sent < line.size();) {
    const auto n = ::send(fd_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

std::optional<std::string> console_connection::receive_line() {
  std::size_t searched = 0;
  while (buffer_.size() <= answer_bytes_max) {
    if (const auto end = buffer_.find('\n', searched); end != std::string::npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    searched = buffer_.size();
    char chunk[16 * 1024];
    const auto n = ::recv(fd_, chunk, sizeof(chunk), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      why_ = n == 0 ? "the node closed the connection"
             : errno == EAGAIN || errno == EWOULDBLOCK
                 ? "no answer in time"
                 : std::string("connection lost: ") + std::strerror(errno);
      return std::nullopt;
    }
    buffer_.append(chunk, static_cast<std::size_t>(n));
  }
  why_ = "the answer is too long";
  return std::nullopt;
}

std::optional<console_reply> console_connection::ask(const std::string& command, bool with_data) {
  const auto line = json{{"command", command}, {"json", with_data}}.dump(
                        -1, ' ', false, json::error_handler_t::replace) +
                    "\n";
  const bool had_one = fd_ >= 0;
  if (!had_one && !connect()) return std::nullopt;
  bool sent = send_line(line);
  if (!sent && had_one) {
    // Idle for too long, or the node was restarted: nothing of this command has reached it.
    disconnect();
    if (!connect()) return std::nullopt;
    sent = send_line(line);
  }
  if (!sent) why_ = "the node closed the connection";
  const auto answer = receive_line();  // a node that lets nobody in says why
  const auto reply = answer ? json::parse(*answer, nullptr, false) : json();
  const bool sound = reply.is_object() && reply.contains("ok") && reply["ok"].is_boolean() &&
                     reply.contains("text") && reply["text"].is_string();
  if (!sound) {
    if (answer) why_ = "that is not a console: it answers something else";
    disconnect();
    return std::nullopt;
  }
  return console_reply{reply["ok"], reply["text"],
                       reply.contains("data") ? reply["data"].dump(2) : "null"};
}

console_exit run_console_command(console_connection& connection, const std::string& command,
                                 bool with_json, std::ostream& out, std::ostream& err) {
  const auto reply = connection.ask(command, with_json);
  if (!reply) {
    complain(err, with_json, exit_unreachable, connection.why());
    return console_exit::unreachable;
  }
  if (!reply->ok) {
    complain(err, with_json, exit_failed, reply->text);
    return console_exit::refused;
  }
  out << with_newline(with_json ? reply->data : printable(reply->text)) << std::flush;
  return console_exit::fine;
}

console_exit run_console_commands(console_connection& connection, std::istream& in, bool with_json,
                                  std::ostream& out, std::ostream& err) {
  auto worst = console_exit::fine;
  for (std::string line; std::getline(in, line);) {
    if (is_blank(line)) continue;
    if (is_quit(line)) break;
    worst = std::max(worst, run_console_command(connection, line, with_json, out, err));
    if (worst == console_exit::unreachable) break;
  }
  return worst;
}

std::vector<std::string> console_completions(console_connection& connection,
                                             const std::string& line) {
  const auto begin = std::min(line.find_first_not_of(' '), line.size());
  const auto space = line.find(' ', begin);
  const auto first =
      line.substr(begin, space == std::string::npos ? std::string::npos : space - begin);
  const bool wants_command = space == std::string::npos;
  if (!wants_command && first != "show" && first != "kill") return {};
  const auto last = wants_command ? first : line.substr(line.rfind(' ') + 1);
  const auto reply = connection.ask(wants_command ? "help" : "ps", true);
  if (!reply || !reply->ok) return {};
  std::vector<std::string> words;
  const auto rows = json::parse(reply->data, nullptr, false);
  if (!rows.is_array()) return {};
  for (const auto& row : rows) {
    const auto found = row.find(wants_command ? "command" : "id");
    if (found == row.end()) continue;
    auto word = found->is_string() ? found->get<std::string>() : found->dump();
    if (word != "0" && word.starts_with(last)) words.push_back(std::move(word));
  }
  if (wants_command && std::string("quit").starts_with(last)) words.emplace_back("quit");
  std::ranges::sort(words);
  return words;
}

}  // namespace cascade
