#include "service/database_keeper.hpp"

#include <thread>

#include "pg/migrate.hpp"

namespace cascade {
namespace {

constexpr std::chrono::seconds start_deadline{120};
constexpr std::chrono::seconds reach_deadline{30};
constexpr std::chrono::milliseconds watch_every{250};

struct keeper_state {
  static inline const char* name = "cascade.postgres";
  std::shared_ptr<pg::embedded_cluster> cluster;
  std::shared_ptr<spdlog::logger> log;
};
using keeper_actor =
    caf::typed_actor<caf::reacts_to<supervisor_wake>, caf::replies_to<describe>::with<description>>;
using keeper_self = keeper_actor::stateful_pointer<keeper_state>;

keeper_actor::behavior_type keep(keeper_self self, std::shared_ptr<pg::embedded_cluster> cluster,
                                 std::shared_ptr<spdlog::logger> log, supervisor_actor supervisor) {
  self->state.cluster = std::move(cluster);
  self->state.log = std::move(log);
  if (!self->state.cluster->alive()) {
    if (const auto problem = self->state.cluster->start(pg::deadline::in(start_deadline))) {
      self->state.log->error("cascade.postgres.start_failed text=\"{}\"", pg::to_string(*problem));
      self->quit(caf::make_error(errc::database_unavailable));
    } else {
      self->state.log->info("cascade.postgres.started pid={}", self->state.cluster->pid());
    }
  }
  self->send(supervisor, child_ready{});
  self->delayed_send(self, watch_every, supervisor_wake{});
  return {
      [self](const supervisor_wake& w) {
        if (self->state.cluster->alive()) return self->delayed_send(self, watch_every, w);
        self->state.log->error("cascade.postgres.died");
        self->quit(caf::make_error(errc::database_unavailable));
      },
      [self](const describe&) {
        description d;
        d.state = self->state.cluster->alive() ? "running" : "down";
        d.detail = "{\"pid\":" + std::to_string(self->state.cluster->pid()) + "}";
        return d;
      },
  };
}

}  // namespace

service_database::service_database(const settings& s, std::shared_ptr<spdlog::logger> log)
    : log_(std::move(log)), conninfo_(s.database) {
  if (!conninfo_.empty()) return;
  pg::embedded_settings e;
  e.bin_dir = s.embedded.bin_dir;
  if (!s.embedded.user.empty()) e.user = s.embedded.user;
  if (s.embedded.shared_buffers_bytes > 0)
    e.server.emplace_back("shared_buffers",
                          std::to_string(s.embedded.shared_buffers_bytes / 1024) + "kB");
  cluster_ = std::make_shared<pg::embedded_cluster>(s.data_dir, std::move(e));
}

std::optional<int> service_database::prepare() {
  if (cluster_) {
    if (const auto problem = cluster_->start(pg::deadline::in(start_deadline))) {
      log_->error("cascade.postgres.start_failed text=\"{}\"", pg::to_string(*problem));
      return 1;
    }
    log_->info("cascade.postgres.{} pid={}", cluster_->adopted() ? "adopted" : "started",
               cluster_->pid());
    conninfo_ = cluster_->conninfo();
  }
  return migrate();
}

std::optional<int> service_database::migrate() {
  const auto until = pg::deadline::in(reach_deadline);
  pg::connect_options options;
  options.name = "cascade migrate";
  for (bool told = false;; told = true) {
    auto c = pg::connection::connect(conninfo_, options);
    if (!c) {
      if (c.error().code != errc::database_unavailable || until.passed()) {
        log_->error("cascade.database.unreachable text=\"{}\"", pg::to_string(c.error()));
        return 3;
      }
      if (!told) log_->warn("cascade.database.waiting text=\"{}\"", pg::to_string(c.error()));
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      continue;
    }
    const auto applied = pg::migrate(c.value());
    if (applied) {
      if (applied.value() > 0) log_->info("cascade.database.migrated count={}", applied.value());
      return std::nullopt;
    }
    log_->error("cascade.database.migration_failed text=\"{}\"", pg::to_string(applied.error()));
    if (applied.error().code != errc::database_unavailable || until.passed()) return 1;
  }
}

void service_database::stop() {
  if (!cluster_) return;
  const auto how = cluster_->stop(pg::deadline::in(std::chrono::seconds(60)));
  log_->info("cascade.postgres.stopped clean={}", how == pg::embedded_cluster::ending::fast);
}

child_spec service_database::keeper_child() {
  child_spec spec;
  spec.name = "postgres";
  spec.awaits_ready = true;
  spec.ready_within = start_deadline + std::chrono::seconds(10);
  spec.backoff = restart_backoff{};
  spec.spawn = [cluster = cluster_, log = log_](const supervisor_context& c) {
    return caf::actor_cast<caf::strong_actor_ptr>(
        c.system.spawn<caf::detached>(keep, cluster, log, c.supervisor));
  };
  return spec;
}

}  // namespace cascade
