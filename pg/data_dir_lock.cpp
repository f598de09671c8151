#include "pg/data_dir_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "pg/libpq.hpp"

namespace cascade::pg {

expected<data_dir_lock> data_dir_lock::take(const std::filesystem::path& directory) {
  std::error_code e;
  if (directory.has_parent_path()) std::filesystem::create_directories(directory.parent_path(), e);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return detail::system_failure("cannot create " + directory.string());
  const auto path = directory / "cascade.lock";
  detail::file_descriptor fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
  if (!fd) return detail::system_failure("cannot open " + path.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    char pid[32] = {};
    const auto n = ::pread(fd.get(), pid, sizeof pid - 1, 0);
    std::string holder(pid, n > 0 ? static_cast<std::size_t>(n) : 0);
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return detail::local_failure(errc::database_rejected,
                                 "another cascaded (process " +
                                     (holder.empty() ? "unknown" : holder) + ") uses " +
                                     directory.string());
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0)
    return detail::system_failure("cannot write " + path.string());
  return data_dir_lock{std::move(fd)};
}

}  // namespace cascade::pg
