#include "actors/database_port.hpp"

namespace cascade {

void database_port::open(std::shared_ptr<pg::session> reader, std::shared_ptr<pg::session> writer) {
  const std::lock_guard lock(mutex_);
  reader_ = std::move(reader);
  writer_ = std::move(writer);
}

void database_port::close() {
  std::shared_ptr<pg::session> reader, writer;
  {
    const std::lock_guard lock(mutex_);
    reader.swap(reader_);
    writer.swap(writer_);
  }
  if (reader) reader->close();
  if (writer) writer->close();
}

std::shared_ptr<pg::session> database_port::reader() const {
  const std::lock_guard lock(mutex_);
  return reader_;
}

std::shared_ptr<pg::session> database_port::writer() const {
  const std::lock_guard lock(mutex_);
  return writer_;
}

void database_port::submit(std::shared_ptr<pg::session>* to, std::vector<pg::statement> batch,
                           pg::batch_callback done) {
  std::shared_ptr<pg::session> session;
  {
    const std::lock_guard lock(mutex_);
    session = *to;
  }
  if (!session) {
    pg::failure f;
    f.code = errc::database_unavailable;
    f.message = "not connected";
    done(std::move(f));
    return;
  }
  session->submit(std::move(batch), pg::deadline::in(deadline_), std::move(done));
}

}  // namespace cascade
