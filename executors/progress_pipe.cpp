#include "executors/progress_pipe.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace cascade {
namespace {

constexpr std::size_t chunk_bytes = 16u << 10;
constexpr std::chrono::milliseconds pause_after_read{10};

}  // namespace

void progress_pipe::watch(std::shared_ptr<progress_pipe> me) {
  auto& from = me->end_;
  from.async_wait(stream::wait_read, [me = std::move(me)](boost::system::error_code ec) mutable {
    if (ec) return;
    me->read_some();
    if (!me->end_.is_open()) return;
    auto& pause = me->pause_;
    pause.expires_after(pause_after_read);
    pause.async_wait([me = std::move(me)](boost::system::error_code stopped) mutable {
      if (!stopped && me->end_.is_open()) watch(std::move(me));
    });
  });
}

void progress_pipe::read_some() {
  if (!end_.is_open()) return;
  std::array<char, chunk_bytes> buffer;
  ssize_t n = 0;
  do {
    n = ::read(end_.native_handle(), buffer.data(), buffer.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  const auto beat = [this](const progress_line& line) { run_.beat(line.percent, line.text); };
  if (n > 0) {
    lines_.take({buffer.data(), static_cast<std::size_t>(n)}, beat);
    return;
  }
  lines_.finish(beat);
  close();
}

void progress_pipe::close() {
  boost::system::error_code ignored;
  end_.close(ignored);
  pause_.cancel();
}

}  // namespace cascade
