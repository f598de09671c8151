#include <CLI/CLI.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/context.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

// Whether somebody accepts connections on the socket. Unix sockets answer at once, so there is
// nothing to wait for.
bool console_answers(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return false;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bool answers =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return answers;
}

struct verdict {
  bool ready = false;
  std::string why;
  std::string hint;
};

verdict judge_service(const service_file& service, const std::filesystem::path& dir) {
  const std::string start = "start it with: cascaded --data-dir " + dir.string();
  if (service.state == "stopped")
    return {false, "the service in " + dir.string() + " is stopped", start};
  if (!service.process_lives())
    return {false, "the service that ran in " + dir.string() + " is not running any more", start};
  if (service.state == "standby")
    return {false, "the service is standby: another node owns the database",
            "it takes over when that node stops; see its log"};
  if (service.state == "stopping")
    return {false, "the service is stopping: it lets what runs end", "afterwards " + start};
  if (service.state != "ready")
    return {false, "the service is " + (service.state.empty() ? "not ready" : service.state),
            "wait a moment, then see its log"};
  if (!console_answers(service.console))
    return {false, "the console at " + service.console + " does not answer",
            "see the log of the service"};
  return {true, {}, {}};
}

verdict judge_lanes(const json_row& state) {
  const auto owned = state.value("lanes_owned", 0), lanes = state.value("lanes", 0);
  if (owned == lanes && lanes > 0) return {true, {}, {}};
  if (owned == 0)
    return {false, "no cascaded is running on this database",
            "start one: cascaded --database CONNINFO"};
  return {false, std::to_string(owned) + " of " + std::to_string(lanes) + " lanes have an owner",
          "a node is starting or has just died; look again in a few seconds"};
}

int run_status(cli_context& context) {
  const target to = find_target(context.target);
  json_row report{{"ready", false}};
  verdict v;
  if (to.service) {
    const auto& s = *to.service;
    v = judge_service(s, to.data_dir);
    report["service"] = {{"state", s.process_lives() || s.state == "stopped" ? s.state : "gone"},
                         {"pid", s.pid},
                         {"version", s.version},
                         {"node", s.node},
                         {"epoch", s.epoch},
                         {"data_dir", to.data_dir.string()},
                         {"console", s.console}};
  }
  if (!to.service || v.ready) {
    auto db = database::connect(to, context.target);
    const json_row state = db.one(sql::cli_status, {}, "state");
    for (const auto& [key, value] : state.items()) report[key] = value;
    if (!to.service) v = judge_lanes(state);
  }
  report["ready"] = v.ready;
  if (!v.ready) report["problem"] = v.why;
  if (!v.ready && context.json) print_json(context.out, report);
  if (!v.ready) throw cli_failure(exit_unreachable, v.why, v.hint);
  if (context.json) {
    print_json(context.out, report);
    return exit_ok;
  }
  context.out << coloured_status(context.style, "ready") << "\n\n";
  json_row nodes = report["nodes"];
  for (const char* key : {"ready", "nodes"}) report.erase(key);
  print_record(context.out, context.style, report);
  context.out << '\n';
  print_table(context.out, context.style,
              {{"name", "node", cell::text, true},
               {"lanes", "lanes", cell::number},
               {"version", "version"},
               {"tags", "tags", cell::json, true},
               {"started_at", "started (UTC)", cell::time}},
              nodes.get<std::vector<json_row>>());
  return exit_ok;
}

}  // namespace

void add_status_command(CLI::App& app, cli_context& context) {
  auto* sub = app.add_subcommand("status", "Say whether the service is ready, and what it does");
  sub->footer(
      "Exits with 0 only when the service is ready: its process lives, says that it is ready, and "
      "its console answers; "
      "or,\n"
      "with --database, when every lane has an owner. Otherwise with 3.\n\n"
      "Examples:\n  cascade status\n  until cascade status >/dev/null 2>&1; do sleep 0.2; done");
  sub->fallthrough();
  sub->callback([&context] { context.action = [&context] { return run_status(context); }; });
}

}  // namespace cascade
