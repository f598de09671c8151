#include "actors/console_server.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "actors/console_session.hpp"

namespace cascade {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

std::string problem(const std::filesystem::path& path, const char* what) {
  return "console socket " + path.string() + ": " + what;
}
std::string problem(const std::filesystem::path& path) {
  return problem(path, std::strerror(errno));
}

// The directory must keep others out: the socket's own mode is not honoured on every system.
std::string check_directory(const std::filesystem::path& directory) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) {
    if (errno != ENOENT) return problem(directory);
    std::error_code e;
    if (directory.has_parent_path())
      std::filesystem::create_directories(directory.parent_path(), e);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return problem(directory);
    if (::stat(directory.c_str(), &info) != 0) return problem(directory);
  }
  if (!S_ISDIR(info.st_mode)) return problem(directory, "not a directory");
  if (info.st_uid != ::geteuid())
    return problem(directory, "the directory belongs to somebody else");
  if ((info.st_mode & 077) != 0) return problem(directory, "the directory must have mode 0700");
  return {};
}

bool peer_is_allowed(int socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

}  // namespace

console_server::console_server(asio::io_context& io, console_server_options options)
    : io_(io), options_(std::move(options)), acceptor_(io), pause_(io) {}

console_server::~console_server() { close(); }

std::string console_server::take_lock() {
  const auto file = options_.path.string() + ".lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_ < 0) return problem(file);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  const auto why =
      errno == EWOULDBLOCK ? problem(options_.path, "another node listens there") : problem(file);
  ::close(std::exchange(lock_, -1));
  return why;
}

// Removes what a crashed node left behind, and nothing else.
std::string console_server::prepare_path() const {
  struct stat info {};
  if (::lstat(options_.path.c_str(), &info) != 0)
    return errno == ENOENT ? std::string{} : problem(options_.path);
  if (!S_ISSOCK(info.st_mode))
    return problem(options_.path, "there is a file that is not a socket");
  asio::io_context probe_io;
  protocol::socket probe(probe_io);
  error_code e;
  probe.connect(protocol::endpoint(options_.path.string()), e);
  if (e != asio::error::connection_refused) return problem(options_.path, "somebody answers there");
  return ::unlink(options_.path.c_str()) == 0 ? std::string{} : problem(options_.path);
}

std::string console_server::listen() {
  if (options_.path.string().size() >= sizeof(sockaddr_un::sun_path))
    return problem(options_.path, "path too long");
  auto directory = options_.path.parent_path();
  if (auto why = check_directory(directory.empty() ? "." : directory); !why.empty()) return why;
  if (auto why = take_lock(); !why.empty()) return why;
  auto why = prepare_path();
  error_code e;
  if (why.empty()) {
    acceptor_.open(protocol(), e);
    // The mode of the unbound socket is the mode its file gets: no moment in which it is open to
    // others.
    if (!e && ::fchmod(acceptor_.native_handle(), 0600) != 0) why = problem(options_.path);
    if (!e) acceptor_.bind(protocol::endpoint(options_.path.string()), e);
    bound_ = !e;
    if (!e && ::chmod(options_.path.c_str(), 0600) != 0) why = problem(options_.path);
    if (!e) acceptor_.listen(static_cast<int>(options_.connections_max), e);
    if (e) why = problem(options_.path, e.message().c_str());
  }
  if (why.empty())
    accept();
  else
    close();
  return why;
}

void console_server::accept() {
  acceptor_.async_accept([me = weak_from_this()](error_code e, protocol::socket socket) {
    const auto server = me.lock();
    if (!server || !server->acceptor_.is_open()) return;
    if (!e) {
      server->admit(std::move(socket));
      return server->accept();
    }
    // Out of file descriptors, perhaps: not in a hot loop.
    server->pause_.expires_after(std::chrono::milliseconds(100));
    server->pause_.async_wait([me](error_code stopped) {
      const auto again = me.lock();
      if (again && !stopped && again->acceptor_.is_open()) again->accept();
    });
  });
}

void console_server::admit(protocol::socket socket) {
  if (!peer_is_allowed(socket.native_handle())) return;
  auto session = std::make_shared<console_session>(weak_from_this(), std::move(socket), options_);
  if (sessions_.size() >= options_.connections_max) return session->refuse("too many connections");
  sessions_.emplace(session.get(), session);
  session->read();
}

// Each line gets a number of its own, so that a late answer is never taken for the answer to a
// later line.
void console_server::hand_out(console_session& session, std::string line) {
  session.request = ++last_request_;
  open_requests_[session.request] = &session;
  on_line_(session.request, std::move(line));
}

void console_server::withdraw(console_session& session) {
  open_requests_.erase(std::exchange(session.request, 0));
}

void console_server::release(console_session& session) {
  withdraw(session);
  sessions_.erase(&session);
}

void console_server::answer(std::uint64_t request, std::string line) {
  asio::post(io_, [me = weak_from_this(), request, line = std::move(line)]() mutable {
    const auto server = me.lock();
    if (!server) return;
    const auto found = server->open_requests_.find(request);
    if (found != server->open_requests_.end()) found->second->answer(std::move(line));
  });
}

void console_server::close() {
  error_code ignored;
  pause_.cancel(ignored);
  acceptor_.close(ignored);
  open_requests_.clear();
  for (auto& [key, session] : std::exchange(sessions_, {})) session->close();
  if (std::exchange(bound_, false)) ::unlink(options_.path.c_str());
  // The lock file stays: removing it would race with the next node.
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
}

}  // namespace cascade
