// The life of the private cluster; its files are embedded_layout.cpp's.
#include "pg/embedded.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <tuple>

#include "pg/connection.hpp"
#include "pg/libpq.hpp"

namespace cascade::pg {

using namespace std::chrono_literals;
using detail::child;
using detail::local_failure;
namespace fs = std::filesystem;

namespace {

connect_options quick(deadline until) {
  connect_options o;
  o.name = "cascaded";
  o.connect_deadline = std::min(std::chrono::milliseconds{2'000}, until.left());
  return o;
}

// Is this process a Postgres server on this data directory? The postmaster's working directory is
// its PGDATA.
bool serves(pid_t pid, const fs::path& pgdata) {
  const fs::path proc = fs::path("/proc") / std::to_string(pid);
  std::error_code e;
  const auto exe = fs::read_symlink(proc / "exe", e);
  if (e || !exe.filename().string().starts_with("postgres")) return false;
  return fs::equivalent(fs::read_symlink(proc / "cwd", e), pgdata, e) && !e;
}

}  // namespace

embedded_cluster::embedded_cluster(fs::path data_dir, embedded_settings settings)
    : settings_(std::move(settings)),
      dir_(fs::absolute(data_dir).lexically_normal()),
      pgdata_(dir_ / "postgres"),
      run_(dir_ / "run"),
      log_(dir_ / "postgres.log") {}

embedded_cluster::~embedded_cluster() = default;

std::string embedded_cluster::conninfo_of(const std::string& database) const {
  return "host='" + run_.string() + "' port=5432 user=postgres dbname='" + database + "'";
}
std::string embedded_cluster::conninfo() const { return conninfo_of(settings_.database); }

std::optional<failure> embedded_cluster::start(deadline until) {
  if (server_ && server_->alive()) return std::nullopt;
  server_.reset();
  adopted_ = false;
  if (auto why = prepare_directories()) return why;
  if (auto why = find_binaries()) return why;
  if (auto why = initialize(until)) return why;
  if (auto why = take_over_leftover(adopted_)) return why;
  if (!adopted_) {
    if (auto why = write_configuration()) return why;
    if (auto why = launch(until)) return why;
  }
  return create_database(until);
}

// A server whose service was killed goes on. Ours again when it answers; a mute one is ended.
std::optional<failure> embedded_cluster::take_over_leftover(bool& adopted_now) {
  const auto pid_file = pgdata_ / "postmaster.pid";
  std::ifstream in(pid_file);
  pid_t pid = 0;
  if (!(in >> pid) || pid <= 0 || !serves(pid, pgdata_)) {
    // Ended without a trace, or its number belongs to another process now, which Postgres would
    // take for a server.
    std::error_code ignored;
    fs::remove(pid_file, ignored);
    fs::remove(run_ / ".s.PGSQL.5432", ignored);
    fs::remove(run_ / ".s.PGSQL.5432.lock", ignored);
    return std::nullopt;
  }
  auto watched = child::watch(pid);
  if (!watched) return std::nullopt;  // ended just now
  server_ = std::move(watched).value();
  if (!wait_ready(deadline::in(settings_.adopt_deadline))) {
    adopted_now = true;
    return std::nullopt;
  }
  for (const auto& [number, patience] : {std::pair{SIGQUIT, 10s}, std::pair{SIGKILL, 10s}}) {
    server_->signal(number);
    server_->signal(SIGCONT);  // it may be mute because somebody stopped it
    if (server_->wait_exit(deadline::in(patience))) {
      server_.reset();
      return take_over_leftover(adopted_now);  // only its files are left
    }
  }
  return local_failure(errc::database_unavailable,
                       "a Postgres server (process " + std::to_string(pid) + ") on " +
                           pgdata_.string() + " neither answers nor ends");
}

std::optional<failure> embedded_cluster::launch(deadline until) {
  std::error_code none;
  log_from_ = fs::exists(log_, none) ? fs::file_size(log_, none) : 0;
  const detail::program postgres{
      bin_ / "postgres", {"-D", pgdata_.string()}, log_, account_, false};
  // Backends of a killed server need a moment to let go of its shared memory; the new one exits
  // until they have.
  for (const auto retry_until = deadline::in(5s);;) {
    auto started = child::start(postgres);
    if (!started) return std::move(started).error();
    server_ = std::move(started).value();
    auto why = wait_ready(until);
    if (!why) return std::nullopt;
    const bool ended = !server_->alive();
    if (!ended) stop(deadline::in(5s));
    server_.reset();
    if (!ended || retry_until.passed() || until.passed() ||
        why->detail.find("pre-existing shared memory block") == std::string::npos)
      return why;
  }
}

std::optional<failure> embedded_cluster::wait_ready(deadline until) {
  const auto maintenance = conninfo_of("postgres");
  failure last;
  do {
    auto c = connection::connect(maintenance, quick(until));
    if (c) {
      auto r = c.value().exec("select 1", {}, until);
      if (r) return std::nullopt;
      last = std::move(r).error();
    } else {
      last = std::move(c).error();
    }
    // Also the pause between two tries.
    if (server_->wait_exit(deadline::in(std::min(50ms, until.left())))) {
      auto f = local_failure(errc::database_unavailable,
                             "Postgres ended at once (" + server_->ending() + ")");
      f.detail = log_tail(log_from_);
      f.hint = "See " + log_.string() + ".";
      return f;
    }
  } while (!until.passed());
  auto f =
      local_failure(errc::deadline_exceeded, "Postgres did not get ready in time: " + last.message);
  f.hint = "See " + log_.string() + ".";
  return f;
}

std::optional<failure> embedded_cluster::create_database(deadline until) {
  if (settings_.database == "postgres") return std::nullopt;
  auto c = connection::connect(conninfo_of("postgres"), quick(until));
  if (!c) return std::move(c).error();
  auto there = c.value().exec("select from pg_catalog.pg_database where datname = $1",
                              params{}.text(settings_.database), until);
  if (!there) return std::move(there).error();
  if (!there.value().empty()) return std::nullopt;
  auto quoted = c.value().exec("select pg_catalog.format('create database %I', $1::text)",
                               params{}.text(settings_.database), until);
  if (!quoted) return std::move(quoted).error();
  auto made = c.value().exec(std::string(quoted.value().text(0, 0)), {}, until);
  if (!made) return std::move(made).error();
  return std::nullopt;
}

embedded_cluster::ending embedded_cluster::stop(deadline until) {
  if (!server_) return ending::fast;
  auto& s = *server_;
  const auto ended = [&] {
    // A socket directory that is not in ours would be left behind; one that is in use does not go.
    std::error_code ignored;
    if (run_.parent_path() != dir_) fs::remove(run_, ignored);
  };
  // A part of the time is kept for the harder ways.
  const std::array ways{
      std::tuple{SIGINT, ending::fast, std::chrono::milliseconds{until.left() * 3 / 4}},
      std::tuple{SIGQUIT, ending::immediate,
                 std::max(until.left() / 4, std::chrono::milliseconds{1'000})},
      std::tuple{SIGKILL, ending::killed, std::chrono::milliseconds{10'000}},
  };
  for (const auto& [number, how, patience] : ways) {
    s.signal(number);
    if (!s.wait_exit(deadline::in(patience))) continue;
    ended();
    return how;
  }
  return ending::killed;
}

bool embedded_cluster::alive() { return server_ && server_->alive(); }
bool embedded_cluster::wait_exit(deadline until) { return !server_ || server_->wait_exit(until); }

std::string embedded_cluster::log_tail(std::uintmax_t from) const {
  constexpr std::uintmax_t bytes_max = 2'000;
  std::error_code e;
  const auto size = fs::file_size(log_, e);
  if (e || size <= from) return {};
  std::ifstream in(log_, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(std::max(from, size > bytes_max ? size - bytes_max : 0)));
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace cascade::pg
