#include "service/service_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace cascade {

std::string write_service_file(const std::filesystem::path& data_dir,
                               const service_record& record) {
  const std::string text =
      nlohmann::json{{"state", record.state},      {"pid", ::getpid()},
                     {"version", CASCADE_VERSION}, {"conninfo", record.conninfo},
                     {"console", record.console},  {"node", record.node},
                     {"epoch", record.epoch.value}}
          .dump(2) +
      "\n";
  const auto path = data_dir / "service.json";
  const auto draft = data_dir / "service.json.new";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return draft.string() + ": " + std::strerror(errno);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int problem = errno;
  ::close(fd);
  if (!written) return draft.string() + ": " + std::strerror(problem);
  std::error_code error;
  std::filesystem::rename(draft, path, error);
  return error ? path.string() + ": " + error.message() : std::string{};
}

}  // namespace cascade
