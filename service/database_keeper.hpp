// service/database_keeper.hpp
//
// The database of a node before and while it runs: starts the embedded cluster or waits for the
// given server, checks its version, migrates. As an actor it watches the embedded server and starts
// it again when it dies.
//
// Thread   prepare, stop: blocking, not from an actor in the pool. The keeper actor has a thread of
//          its own.
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <optional>

#include "actors/supervisor.hpp"
#include "config/settings.hpp"
#include "pg/embedded.hpp"

namespace cascade {

class service_database {
public:
  service_database(const settings& s, std::shared_ptr<spdlog::logger> log);

  // Returns an exit code when the service cannot run; the reason is logged.
  std::optional<int> prepare();
  void stop();

  bool embedded() const noexcept { return cluster_ != nullptr; }
  const std::string& conninfo() const noexcept { return conninfo_; }

  // Only when embedded: a child that ends when the server does, and starts it again.
  child_spec keeper_child();

private:
  std::optional<int> migrate();

  std::shared_ptr<spdlog::logger> log_;
  std::shared_ptr<pg::embedded_cluster> cluster_;
  std::string conninfo_;
};

}  // namespace cascade
