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

  // The connection that reads (inbox, payloads, definitions) and the one that writes and owns the
  // lanes.
  void read(std::vector<pg::statement> batch, pg::batch_callback done) {
    submit(&reader_, std::move(batch), std::move(done));
  }
  void write(std::vector<pg::statement> batch, pg::batch_callback done) {
    submit(&writer_, std::move(batch), std::move(done));
  }

  void open(std::shared_ptr<pg::session> reader, std::shared_ptr<pg::session> writer);
  void close();

  std::shared_ptr<pg::session> reader() const;
  std::shared_ptr<pg::session> writer() const;

private:
  void submit(std::shared_ptr<pg::session>* to, std::vector<pg::statement> batch,
              pg::batch_callback done);

  std::chrono::milliseconds deadline_;
  mutable std::mutex mutex_;
  std::shared_ptr<pg::session> reader_;
  std::shared_ptr<pg::session> writer_;
};

}  // namespace cascade
