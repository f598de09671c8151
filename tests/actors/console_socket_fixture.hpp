// tests/actors/console_socket_fixture.hpp
//
// The console's server on a thread of its own, in a private directory.
#pragma once

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "actors/console_server.hpp"

namespace cascade {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// A socket of the plainest kind.
class raw_socket {
public:
  raw_socket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    timeval limit{10, 0};  // a lost answer fails the test, it does not hang it
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }
  ~raw_socket() { ::close(fd_); }
  raw_socket(const raw_socket&) = delete;
  raw_socket& operator=(const raw_socket&) = delete;

  bool connect(const fs::path& path) { return with_address(path, ::connect) == 0; }
  bool bind(const fs::path& path) { return with_address(path, ::bind) == 0; }
  bool listen() { return ::listen(fd_, 1) == 0; }

  void send(const std::string& text) { (void)::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }

  // The next line; "closed" at the end.
  std::string line() {
    std::string text;
    for (char c = 0; ::recv(fd_, &c, 1, 0) == 1; text += c)
      if (c == '\n') return text;
    return "closed";
  }

  // The text of the answer to one command.
  std::string ask(const std::string& command) {
    send(nlohmann::json{{"command", command}}.dump() + "\n");
    const auto answer = line();
    return answer == "closed" ? answer : nlohmann::json::parse(answer)["text"].get<std::string>();
  }

private:
  template <class F>
  int with_address(const fs::path& path, F f) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return f(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }

  int fd_;
};

class console_socket_test : public ::testing::Test {
public:
  console_socket_test() {
    std::string name = (fs::temp_directory_path() / "cascade-console-XXXXXX").string();
    directory = ::mkdtemp(name.data());
    options.path = directory / "run" / "console.sock";
    thread = std::thread([this] { io.run(); });
  }
  ~console_socket_test() override {
    on_io([this] {
      if (server) server->close();
      server = nullptr;
    });
    work.reset();
    thread.join();
    fs::remove_all(directory);
  }

  template <class F>
  std::invoke_result_t<F> on_io(F f) {
    std::packaged_task<std::invoke_result_t<F>()> task(std::move(f));
    auto done = task.get_future();
    boost::asio::post(io, [&task] { task(); });
    return done.get();
  }

  // Answers each command with its own text; "hang" is answered only before the next command, too
  // late.
  std::string listen() {
    return on_io([this] {
      server = std::make_shared<console_server>(io, options);
      server->on_line([weak = std::weak_ptr(server), late = std::uint64_t{0}](
                          std::uint64_t request, std::string line) mutable {
        auto me = weak.lock();
        const auto command = nlohmann::json::parse(line)["command"].get<std::string>();
        if (late != 0) me->answer(std::exchange(late, 0), answer_line("too late"));
        if (command == "hang")
          late = request;
        else
          me->answer(request, answer_line(command));
      });
      return server->listen();
    });
  }

  static std::string answer_line(const std::string& text) {
    return nlohmann::json{{"ok", text != "fail"}, {"text", text}, {"data", {{"said", text}}}}
        .dump();
  }

  static mode_t mode(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }

  fs::path directory;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
  console_server_options options;
  std::shared_ptr<console_server> server;
};

}  // namespace cascade
