// pg/data_dir_lock.hpp
//
// One service per data directory: flock on DIR/cascade.lock, released by the kernel however the
// process ends. The file stays; it names the holder for people.
#pragma once

#include <filesystem>

#include "pg/child.hpp"
#include "pg/failure.hpp"

namespace cascade::pg {

class data_dir_lock {
public:
  // Creates the directory (0700) when absent. Refused with the holder's process id when another
  // process has it.
  static expected<data_dir_lock> take(const std::filesystem::path& directory);

private:
  explicit data_dir_lock(detail::file_descriptor fd) noexcept : fd_(std::move(fd)) {}

  detail::file_descriptor fd_;
};

}  // namespace cascade::pg
