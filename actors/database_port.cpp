#include "actors/database_port.hpp"

namespace cascade {

void database_port::open(std::shared_ptr<pg::session> reader,
                         std::vector<std::shared_ptr<pg::session>> writers) {
  const std::lock_guard lock(mutex_);
  reader_ = std::move(reader);
  writers_ = std::move(writers);
}

void database_port::close() {
  std::vector<std::shared_ptr<pg::session>> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(writers_);
    if (reader_) all.push_back(std::move(reader_));
    reader_.reset();
  }
  for (const auto& session : all) session->close();
}

std::shared_ptr<pg::session> database_port::reader() const {
  const std::lock_guard lock(mutex_);
  return reader_;
}

std::shared_ptr<pg::session> database_port::writer(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  return index < writers_.size() ? writers_[index] : nullptr;
}

void database_port::submit(const std::shared_ptr<pg::session>& to, std::vector<pg::statement> batch,
                           pg::batch_callback done) {
  if (!to) {
    pg::failure f;
    f.code = errc::database_unavailable;
    f.message = "not connected";
    done(std::move(f));
    return;
  }
  to->submit(std::move(batch), pg::deadline::in(deadline_), std::move(done));
}

}  // namespace cascade
