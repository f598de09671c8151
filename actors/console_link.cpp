#include "actors/console_link.hpp"

#include <boost/asio/post.hpp>

namespace cascade {

void link_console(const std::shared_ptr<console_server>& server, console_options& options) {
  // Until the first console attaches there is nobody to ask.
  server->on_line([weak = std::weak_ptr(server)](std::uint64_t connection, std::string) {
    if (auto target = weak.lock())
      target->answer(connection, R"({"ok":false,"text":"the node is starting","data":null})");
  });
  options.reply = [weak = std::weak_ptr(server)](std::uint64_t connection, std::string line) {
    if (auto target = weak.lock()) target->answer(connection, std::move(line));
  };
  options.attach = [weak = std::weak_ptr(server)](console_actor console) {
    auto target = weak.lock();
    if (!target) return;
    boost::asio::post(target->io(), [weak, address = caf::actor_cast<caf::weak_actor_ptr>(console)] {
      auto again = weak.lock();
      if (!again) return;
      again->on_line([weak, address](std::uint64_t connection, std::string line) {
        if (auto actor = caf::actor_cast<caf::strong_actor_ptr>(address))
          return caf::anon_send(caf::actor_cast<console_actor>(actor), console_line{connection, std::move(line)});
        if (auto gone = weak.lock())
          gone->answer(connection, R"({"ok":false,"text":"the console is restarting","data":null})");
      });
    });
  };
}

child_spec console_child(console_options options) {
  child_spec child;
  child.name = "console";
  child.shutdown_within = std::chrono::seconds(1);
  child.spawn = [options = std::move(options)](const supervisor_context& context) {
    return caf::actor_cast<caf::strong_actor_ptr>(spawn_console(context.system, options));
  };
  return child;
}

}  // namespace cascade
