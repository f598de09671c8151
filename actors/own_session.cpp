#include "actors/own_session.hpp"

namespace cascade {

std::shared_ptr<pg::session> open_own_session(const engine_context& context, own_session what) {
  pg::session_options options;
  options.conninfo = context.settings.conninfo;
  options.name = std::string("cascade ") + what.name;
  options.role = what.role;
  options.settings = std::move(what.settings);
  options.settings.emplace_back("search_path", "pg_catalog");
  auto session = pg::session::make(*context.io, std::move(options));
  session->start([] {},
                 [lost = std::move(what.on_lost)](const pg::failure&) {
                   if (lost) lost();
                 });
  return session;
}

}  // namespace cascade
