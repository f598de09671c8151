// actors/own_session.hpp
//
// A connection that one actor opens for itself, beside the gateway's. It connects on first use; when
// it is lost, what is under way fails, and nothing else happens: the actor opens the next one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/context.hpp"
#include "pg/session.hpp"

namespace cascade {

struct own_session {
  const char* name;  // seen in pg_stat_activity after "cascade "
  const char* role = "cascade_engine";
  std::vector<std::pair<std::string, std::string>> settings{};  // search_path is set to pg_catalog
  std::function<void()> on_lost{};                              // on the Asio thread; may be empty
};

std::shared_ptr<pg::session> open_own_session(const engine_context& context, own_session what);

}  // namespace cascade
