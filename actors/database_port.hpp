// actors/database_port.hpp
//
// The border between actors and the Asio side for the database: actors submit batches from any
// thread, the answer comes back as one message. The gateway puts the sessions in and takes them
// out.
//
// Thread   any. Callbacks run on the Asio thread and must only decode and send.
// Errors   without a session, the callback gets database_unavailable at once.
// Limits   in flight: the session's; beyond it the callers' credits.
#pragma once

#include <memory>
#include <mutex>

#include "pg/session.hpp"

namespace cascade {

class database_port {
public:
  explicit database_port(std::chrono::milliseconds deadline) : deadline_(deadline) {}

  // The connection that reads (inbox, payloads, definitions), the first writer, which owns the
  // lanes, and the other writers, for batches only.
  void read(std::vector<pg::statement> batch, pg::batch_callback done) {
    submit(reader(), std::move(batch), std::move(done));
  }
  void write(std::vector<pg::statement> batch, pg::batch_callback done) {
    write(0, std::move(batch), std::move(done));
  }
  void write(std::size_t to, std::vector<pg::statement> batch, pg::batch_callback done) {
    submit(writer(to), std::move(batch), std::move(done));
  }

  // Closes what was open. Returns a number for this opening.
  std::uint64_t open(std::shared_ptr<pg::session> reader,
                     std::vector<std::shared_ptr<pg::session>> writers);
  void close() {
    close_if([](std::uint64_t) { return true; });
  }
  // Only if that opening is the last one: who ends late does not close what his successor opened.
  void close(std::uint64_t opening) {
    close_if([opening](std::uint64_t last) { return last == opening; });
  }

  std::shared_ptr<pg::session> reader() const;
  std::shared_ptr<pg::session> writer(std::size_t index = 0) const;

private:
  void submit(const std::shared_ptr<pg::session>& to, std::vector<pg::statement> batch,
              pg::batch_callback done);

  std::chrono::milliseconds deadline_;
  template <class P>
  void close_if(P mine) {
    std::vector<std::shared_ptr<pg::session>> all;
    {
      const std::lock_guard lock(mutex_);
      if (!mine(openings_)) return;
      all = take();
    }
    for (const auto& session : all) session->close();
  }
  std::vector<std::shared_ptr<pg::session>> take();

  mutable std::mutex mutex_;
  std::uint64_t openings_ = 0;
  std::shared_ptr<pg::session> reader_;
  std::vector<std::shared_ptr<pg::session>> writers_;
};

}  // namespace cascade
