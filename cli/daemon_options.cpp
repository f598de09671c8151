#include "cli/daemon_options.hpp"

#include <CLI/CLI.hpp>

#include <ostream>

#include "cli/failure.hpp"
#include "cli/usage.hpp"
#include "config/reference.hpp"

namespace cascade {
namespace {

constexpr const char* description = "Runs tasks and workflows of Cascade.";

std::string footer() {
  return "Every key below may stand in the file, in the environment (engine.fold_every as "
         "CASCADE_ENGINE_FOLD_EVERY), "
         "and\n"
         "some as flags; flags win over the environment, the environment over the file. SIGTERM "
         "stops the service "
         "cleanly.\n\n"
         "Examples:\n"
         "  cascaded                                              an embedded database in the "
         "default directory\n"
         "  cascaded --data-dir /srv/cascade --workers 64\n"
         "  cascaded --database 'host=db dbname=cascade user=cascade' --node-name worker-2 --tag "
         "gpu\n"
         "  cascaded --config /etc/cascade.yaml --profile high_throughput\n\n"
         "Exit codes: 0 stopped as asked, 1 cannot run, 2 wrong flags or configuration, 3 the "
         "database was not reachable.\n\n"
         "Configuration:\n" +
         configuration_help();
}

}  // namespace

daemon_options parse_daemon_options(int argc, const char* const* argv, std::ostream& out,
                                    std::ostream& err) {
  return parse_daemon_options(argc, argv, out, err, config_sources::of_process());
}

daemon_options parse_daemon_options(int argc, const char* const* argv, std::ostream& out,
                                    std::ostream& err, config_sources sources) {
  struct flag {
    const char* name;
    const char* key;
    const char* type;
    const char* about;
    std::string value{};
  };
  flag flags[] = {{"--data-dir", "data_dir", "DIR", "Directory of the service"},
                  {"--database", "database", "CONNINFO",
                   "Postgres to use; without it the service runs its own"},
                  {"--profile", "profile", "NAME", "balanced, low_latency or high_throughput"},
                  {"--workers", "workers", "N", "Tasks that run at the same time"},
                  {"--log-level", "log.level", "LEVEL", "trace, debug, info, warn, error or off"},
                  {"--node-name", "node_name", "NAME", "Name of this node"}};
  CLI::App app(description, "cascaded");
  app.footer(footer());
  std::string file;
  std::vector<std::string> tags;
  app.add_option("--config", file, "Configuration file")->type_name("FILE");
  for (auto& f : flags) app.add_option(f.name, f.value, f.about)->type_name(f.type);
  app.add_option("--tag", tags, "What this node can do; may be given several times")
      ->type_name("TAG")
      ->delimiter(',');
  app.set_version_flag("--version", std::string("cascaded ") + CASCADE_VERSION);

  daemon_options result;
  if (const auto missing = value_missing(app, argc, argv)) {
    err << "cascaded: " << missing->message << "\n  hint: " << missing->hint << "\n";
    result.exit = exit_usage;
    return result;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const bool fine = e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    if (fine)
      app.exit(e, out, err);
    else
      err << "cascaded: " << e.what() << "\n  hint: see cascaded --help\n";
    result.exit = fine ? exit_ok : exit_usage;
    return result;
  }
  if (!file.empty()) sources.file = file;
  for (const auto& f : flags)
    if (app.count(f.name) > 0) sources.flags.push_back({f.key, f.value, f.name});
  std::string joined;
  for (const auto& tag : tags) joined += (joined.empty() ? "" : ",") + tag;
  if (!tags.empty()) sources.flags.push_back({"tags", joined, "--tag"});
  result.config = load_settings(sources);
  if (!result.config.problems.empty()) {
    err << "cascaded: the configuration has mistakes\n" << to_string(result.config.problems);
    result.exit = exit_usage;
  }
  return result;
}

}  // namespace cascade
