// The files of the private cluster: who owns them, where they are, how they come to be.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>

#include "pg/embedded.hpp"
#include "pg/libpq.hpp"

namespace cascade::pg {

using detail::local_failure;
using detail::system_failure;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t socket_path_bytes_max = 100;  // sun_path holds 108

std::string hash_of(const std::string& text) {
  std::uint64_t h = 14695981039346656037u;  // FNV-1a
  for (const unsigned char c : text) h = (h ^ c) * 1099511628211u;
  char out[17] = {};
  std::to_chars(out, out + sizeof out, h, 16);
  return out;
}

int number_of(const fs::path& name) {
  const auto text = name.string();
  int n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

bool has_programs(const fs::path& bin) {
  return ::access((bin / "postgres").c_str(), X_OK) == 0 &&
         ::access((bin / "initdb").c_str(), X_OK) == 0;
}

std::optional<failure> write_file(const fs::path& path, const std::string& text, int flags) {
  const detail::file_descriptor fd{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0644)};
  // Whatever our umask: the server's user must be able to read it.
  if (!fd || ::fchmod(fd.get(), 0644) != 0 ||
      ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(fd.get()) != 0)
    return system_failure("cannot write " + path.string());
  return std::nullopt;
}

std::string quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value) out += c == '\'' ? "''" : c == '\\' ? "\\\\" : std::string(1, c);
  return out + "'";
}

}  // namespace

// A directory of Postgres alone: mode 0700, its user the owner. What is there must be that already,
// or ours to give.
std::optional<failure> embedded_cluster::own_directory(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return system_failure("cannot create " + path.string());
  const detail::file_descriptor fd{
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat s {};
  if (!fd || ::fstat(fd.get(), &s) != 0) return system_failure("cannot use " + path.string());
  const uid_t owner = account_ ? account_->uid : ::geteuid();
  if (s.st_uid != owner && s.st_uid != ::geteuid())
    return local_failure(errc::database_rejected, path.string() + " belongs to another user");
  if ((account_ && ::fchown(fd.get(), account_->uid, account_->gid) != 0) ||
      ::fchmod(fd.get(), 0700) != 0)
    return system_failure("cannot change the owner of " + path.string());
  return std::nullopt;
}

std::optional<failure> embedded_cluster::prepare_directories() {
  std::error_code e;
  if (::geteuid() == 0) {
    auto found = detail::find_account(settings_.user);
    if (!found) return std::move(found).error();
    account_ = std::move(found).value();
  }
  fs::create_directories(dir_.parent_path(), e);
  if (::mkdir(dir_.c_str(), 0700) != 0 && errno != EEXIST)
    return system_failure("cannot create " + dir_.string());
  dir_ = fs::canonical(dir_, e);
  if (e)
    return local_failure(errc::database_rejected,
                         "cannot use " + dir_.string() + ": " + e.message());
  pgdata_ = dir_ / "postgres";
  run_ = dir_ / "run";
  log_ = dir_ / "postgres.log";
  if (account_) {
    if (!account_->may_pass(dir_) &&
        (::chown(dir_.c_str(), 0, account_->gid) != 0 || ::chmod(dir_.c_str(), 0710) != 0))
      return system_failure("cannot change the owner of " + dir_.string());
    for (auto parent = dir_.parent_path(); parent != parent.root_path();
         parent = parent.parent_path())
      if (!account_->may_pass(parent)) {
        auto f = local_failure(errc::database_rejected, "Postgres runs as system user " +
                                                            account_->name + ", who cannot pass " +
                                                            parent.string());
        f.hint = "Choose a data directory elsewhere, such as /var/lib/cascade; or run: chmod o+x " +
                 parent.string() + "; or start cascaded as an ordinary user.";
        return f;
      }
  }
  return prepare_socket_directory();
}

std::optional<failure> embedded_cluster::prepare_socket_directory() {
  if ((run_ / ".s.PGSQL.5432").string().size() > socket_path_bytes_max) {
    const char* runtime = ::geteuid() == 0 ? nullptr : std::getenv("XDG_RUNTIME_DIR");
    const fs::path base = runtime != nullptr && *runtime == '/' ? runtime : "/tmp";
    run_ = base / ("cascade-" + hash_of(dir_.string()));
  }
  return own_directory(run_);
}

// The data directory's own version; for a new one, the newest there is.
std::optional<failure> embedded_cluster::find_binaries() {
  std::ifstream version_file(pgdata_ / "PG_VERSION");
  int wanted = 0;
  version_file >> wanted;
  bin_ = settings_.bin_dir;
  if (!bin_.empty()) {
    if (has_programs(bin_)) return std::nullopt;
    return local_failure(errc::database_rejected,
                         "there are no Postgres programs in " + bin_.string());
  }
  constexpr int version_min = 15;
  int best = 0;
  std::error_code e;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", e)) {
    const int version = number_of(entry.path().filename());
    const bool fits = wanted == 0 ? version >= version_min && version > best : version == wanted;
    if (!fits || !has_programs(entry.path() / "bin")) continue;
    best = version;
    bin_ = entry.path() / "bin";
  }
  if (best != 0) return std::nullopt;
  const std::string which = wanted == 0 ? "15 or later" : std::to_string(wanted);
  auto f = local_failure(errc::database_rejected,
                         "no Postgres server of version " + which + " is installed");
  f.hint = "Install the package postgresql-" + std::to_string(wanted == 0 ? version_min : wanted) +
           ", name the directory of its programs, or give the service a database.";
  return f;
}

std::optional<failure> embedded_cluster::initialize(deadline until) {
  std::error_code e;
  if (fs::exists(pgdata_ / "PG_VERSION", e)) return std::nullopt;
  if (fs::exists(pgdata_, e) && !fs::is_empty(pgdata_, e))
    return local_failure(errc::database_rejected,
                         pgdata_.string() + " is not empty, and not a Postgres data directory");
  // What a killed initdb left has this other name and goes.
  const fs::path fresh = dir_ / "postgres.new";
  fs::remove_all(fresh, e);
  if (auto why = own_directory(fresh)) return why;
  const detail::program initdb{
      bin_ / "initdb",
      {"-D", fresh.string(), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums",
       "--auth-local=trust", "--auth-host=reject"},
      log_,
      account_,
      true};
  std::error_code none;
  log_from_ = fs::exists(log_, none) ? fs::file_size(log_, none) : 0;
  auto running = detail::child::start(initdb);
  if (!running) return std::move(running).error();
  auto& process = running.value();
  if (!process.wait_exit(until)) {
    process.signal(9);
    process.wait_exit(deadline::in(std::chrono::seconds{10}));
    return local_failure(errc::deadline_exceeded, "initdb was not ready within the deadline");
  }
  if (process.exit_code() != 0) {
    auto f = local_failure(errc::database_rejected, "initdb failed (" + process.ending() + ")");
    f.detail = log_tail(log_from_);
    return f;
  }
  // Whoever looks after the machine may set more below it.
  if (auto why = write_file(fresh / "postgresql.conf",
                            "\ninclude '../cascade.conf'   # written by cascaded\n", O_APPEND))
    return why;
  fs::rename(fresh, pgdata_, e);
  if (e)
    return local_failure(errc::database_unavailable,
                         "cannot rename " + fresh.string() + ": " + e.message());
  const detail::file_descriptor directory{::open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory || ::fsync(directory.get()) != 0)
    return system_failure("cannot write " + dir_.string());
  return std::nullopt;
}

std::optional<failure> embedded_cluster::write_configuration() {
  std::vector<std::pair<std::string, std::string>> all{
      {"listen_addresses", ""},
      {"port", "5432"},
      {"unix_socket_directories", run_.string()},
      {"unix_socket_permissions", "0700"},
      {"max_connections", "200"},
      {"shared_buffers", "128MB"},
      {"max_wal_size", "4GB"},
      {"checkpoint_completion_target", "0.9"},
      {"wal_compression", "on"},
      {"jit", "off"},
      {"logging_collector", "off"},  // stderr is DIR/postgres.log
      {"log_line_prefix", "%m [%p] %q%a "},
      {"log_timezone", "UTC"},
      {"timezone", "UTC"},
  };
  for (const auto& [name, value] : settings_.server) {
    std::erase_if(all, [&name = name](const auto& s) { return s.first == name; });
    all.emplace_back(name, value);
  }
  std::string text =
      "# Written by cascaded at each start: changes here are lost. Put yours into "
      "postgres/postgresql.conf.\n";
  for (const auto& [name, value] : all) text += name + " = " + quoted(value) + "\n";
  return write_file(dir_ / "cascade.conf", text, O_TRUNC);
}

}  // namespace cascade::pg
