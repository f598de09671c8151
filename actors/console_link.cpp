#include "actors/console_link.hpp"

#include <boost/asio/post.hpp>

namespace cascade {

namespace {

// Lives on the io_context thread, but for its constructor.
struct link : std::enable_shared_from_this<link> {
  explicit link(const std::shared_ptr<console_server>& s) : server(s) {}

  std::weak_ptr<console_server> server;
  console_actor console;

  void take(std::uint64_t request, std::string line) {
    if (console) return caf::anon_send(console, console_line{request, std::move(line)});
    if (auto target = server.lock())
      target->answer(request,
                     R"({"ok":false,"text":"the console is starting; try again","data":null})");
  }

  // Runs `f` on the io_context thread, if that is still of interest.
  template <class F>
  void post(F f) {
    if (auto target = server.lock())
      boost::asio::post(target->io(), [me = weak_from_this(), f = std::move(f)]() mutable {
        if (auto alive = me.lock()) f(*alive);
      });
  }
};

}  // namespace

void link_console(const std::shared_ptr<console_server>& server, console_options& options) {
  const auto both = std::make_shared<link>(server);
  server->on_line(
      [both](std::uint64_t request, std::string line) { both->take(request, std::move(line)); });
  const auto weak = std::weak_ptr(both);
  options.reply = [weak_server = std::weak_ptr(server)](std::uint64_t request, std::string line) {
    if (auto target = weak_server.lock()) target->answer(request, std::move(line));
  };
  options.attach = [weak](console_actor console) {
    if (auto alive = weak.lock())
      alive->post(
          [console = std::move(console)](link& l) mutable { l.console = std::move(console); });
  };
  // The next console may attach before the last one is gone.
  options.detach = [weak](caf::actor_id id) {
    if (auto alive = weak.lock())
      alive->post([id](link& l) {
        if (l.console && l.console.id() == id) l.console = nullptr;
      });
  };
}

child_spec console_child(console_options options) {
  child_spec child;
  child.name = "console";
  child.shutdown_within = std::chrono::seconds(1);
  child.spawn = [options = std::move(options)](const supervisor_context& context) {
    console_options own = options;
    if (!own.root) own.root = context.supervisor;  // its own supervisor is where the tree begins
    return caf::actor_cast<caf::strong_actor_ptr>(spawn_console(context.system, std::move(own)));
  };
  return child;
}

}  // namespace cascade
