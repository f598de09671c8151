// cli/console_client.hpp
//
// The other end of the console's socket: one command, a pipe full of them, or a prompt with history
// and completion.
//
// Output   answers to `out`, complaints to `err` (with `json` as {"error": {...}}); colour only on a
//          terminal, and never with NO_COLOR set. Control characters in answers are not passed on: they may come from
//          somebody's payload.
// Limits   connecting and each answer take at most `timeout`; an answer has at most
//          answer_bytes_max.
// Tests    tests/actors/console_client_test.cpp
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace cascade {

enum class console_exit : int {
  fine = 0,
  refused = 1,      // a command failed, or was not understood
  unreachable = 3,  // no node answers there, or the connection broke
};

struct console_client_options {
  std::filesystem::path socket;
  std::optional<std::string> command;  // -c: run it and leave
  bool json = false;                   // print data instead of text
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
};

struct console_reply {
  bool ok = false;
  std::string text;
  std::string data;  // JSON text
};

// A connection that is made when needed, and once more when it broke. Blocking; one thread.
class console_connection {
public:
  static constexpr std::size_t answer_bytes_max = 64u << 20;

  console_connection(std::filesystem::path socket, std::chrono::milliseconds timeout)
      : socket_(std::move(socket)), timeout_(timeout) {}
  ~console_connection() { disconnect(); }
  console_connection(const console_connection&) = delete;
  console_connection& operator=(const console_connection&) = delete;

  // Sends one command and waits for its reply. Nothing: see why().
  std::optional<console_reply> ask(const std::string& command, bool with_data);

  const std::string& why() const noexcept { return why_; }

private:
  bool connect();
  void disconnect();
  bool send_line(const std::string& line);
  std::optional<std::string> receive_line();

  std::filesystem::path socket_;
  std::chrono::milliseconds timeout_;
  int fd_ = -1;
  std::string buffer_;
  std::string why_;
};

// Runs one command and prints its reply.
console_exit run_console_command(console_connection& connection, const std::string& command,
                                 bool json, std::ostream& out, std::ostream& err);

// Runs each line of `in`. The worst exit of all.
console_exit run_console_commands(console_connection& connection, std::istream& in, bool json,
                                  std::ostream& out, std::ostream& err);

// What could stand at the end of `line`: a command as first word, an actor id after show and kill.
std::vector<std::string> console_completions(console_connection& connection,
                                             const std::string& line);

// Everything above as a program: one-shot, pipe or prompt, whichever fits. In
// console_client_prompt.cpp (libedit).
int run_console(const console_client_options& options);

}  // namespace cascade
