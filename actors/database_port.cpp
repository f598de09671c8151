#include "actors/database_port.hpp"

namespace cascade {

std::uint64_t database_port::open(std::shared_ptr<pg::session> reader,
                                  std::vector<std::shared_ptr<pg::session>> writers) {
  std::vector<std::shared_ptr<pg::session>> before;
  std::uint64_t opening = 0;
  {
    const std::lock_guard lock(mutex_);
    before = take();
    reader_ = std::move(reader);
    writers_ = std::move(writers);
    opening = ++openings_;
  }
  for (const auto& session : before) session->close();
  return opening;
}

std::vector<std::shared_ptr<pg::session>> database_port::take() {
  std::vector<std::shared_ptr<pg::session>> all = std::exchange(writers_, {});
  if (reader_) all.push_back(std::exchange(reader_, nullptr));
  return all;
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
