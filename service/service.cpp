#include "service/service.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <future>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "actors/console_link.hpp"
#include "actors/engine.hpp"
#include "config/conninfo.hpp"
#include "executors/builtin.hpp"
#include "executors/plugin.hpp"
#include "executors/runner.hpp"
#include "pg/data_dir_lock.hpp"
#include "service/actor_waits.hpp"
#include "service/database_keeper.hpp"
#include "service/service_file.hpp"

namespace cascade {
namespace {

std::shared_ptr<spdlog::logger> make_log(const settings& s) {
  spdlog::sink_ptr sink;
  if (s.log.file.empty())
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  else
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(s.log.file.string());
  auto log = std::make_shared<spdlog::logger>("cascade", sink);
  log->set_level(static_cast<spdlog::level::level_enum>(
      s.log.level == log_level::off ? spdlog::level::off : static_cast<int>(s.log.level)));
  if (s.log.format == log_format::json)
    log->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","event":"%v"})");
  else
    log->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(log);
  return log;
}

// The CLI finds a password where libpq looks for one: PGPASSWORD, the password file.
std::string without_password(const std::string& conninfo) {
  auto parts = parse_conninfo(conninfo);
  if (!parts) return {};
  std::erase_if(*parts,
                [](const auto& p) { return p.first == "password" || p.first == "sslpassword"; });
  return join_conninfo(*parts);
}

engine_settings engine_settings_of(const settings& s, std::string conninfo) {
  engine_settings e;
  const auto size = [](auto v) { return static_cast<std::size_t>(v); };
  e.conninfo = std::move(conninfo);
  e.node_name = s.node_name;
  e.tags = s.tags;
  e.workers = size(s.workers);
  e.batch_rows_max = size(s.engine.batch_rows_max);
  e.batches_in_flight = size(s.engine.batches_in_flight);
  e.writers = size(s.engine.writers);
  e.inbox_page_rows = size(s.engine.inbox_page_rows);
  e.ready_max = size(s.engine.ready_max);
  e.body_bytes_max = size(s.engine.body_bytes_max);
  e.cache_rows_max = size(s.engine.cache_rows_max);
  e.cache_bytes_max = size(s.engine.cache_bytes_max);
  e.cache_ttl = s.engine.cache_ttl;
  e.quick_max = 4 * e.batch_rows_max * e.writers;
  e.running_after = s.engine.running_after;
  e.fold_every = s.engine.fold_every;
  e.database_deadline = s.engine.database_deadline;
  e.reconnect_backoff_max = s.engine.reconnect_backoff_max;
  e.horizon = s.engine.horizon;
  e.ageing = s.engine.ageing;
  // Whole days, at least what was asked for.
  e.retention_days =
      static_cast<int>(std::chrono::ceil<std::chrono::days>(s.retention.keep).count());
  e.retention_every = s.retention.every;
  e.reconcile_every = s.reconcile.every;
  e.reconcile_slice_bytes = s.reconcile.slice_bytes;
  e.propagation.medium_from = s.propagation.medium_from;
  e.propagation.high_from = s.propagation.high_from;
  e.propagation.medium_quiet = s.propagation.medium_quiet;
  e.propagation.medium_most = s.propagation.medium_most;
  e.propagation.low_quiet = s.propagation.low_quiet;
  e.propagation.low_most = s.propagation.low_most;
  e.propagation.poll = s.propagation.poll;
  e.task_timeout = s.tasks.timeout;
  e.retry = s.tasks.retry;
  e.doorbell.poll_awake = s.engine.inbox_poll_awake;
  e.doorbell.poll_asleep = s.engine.inbox_poll_asleep;
  e.doorbell.awake_bells = std::max(1, s.engine.awake_threshold / 20);  // in a window of 50 ms
  e.doorbell.always_awake = s.profile == profile_kind::high_throughput;
  e.seed = std::random_device{}();
  return e;
}

// Fills the registry; returns what is wrong with the configuration.
std::optional<std::string> add_handlers(const settings& s, boost::asio::io_context& io,
                                        handler_registry& handlers) {
  try {
    add_builtin_handlers(handlers, io);
    const auto commands = nlohmann::json::parse(s.handlers.commands_json);
    for (const auto& [name, spec] : commands.items()) {
      auto parsed = parse_command(spec.dump());
      if (!parsed.spec) return "handlers.commands." + name + ": " + parsed.error;
      handlers.add_command(name, std::move(*parsed.spec));
    }
    for (const auto& path : s.handlers.plugins) load_plugin(path.string(), handlers);
  } catch (const std::exception& e) {
    return e.what();
  }
  handlers.freeze();
  return std::nullopt;
}

class node {
public:
  node(const settings& s, handler_registry& handlers)
      : settings_(s), handlers_(handlers), log_(make_log(s)) {}

  int run() {
    auto lock = pg::data_dir_lock::take(settings_.data_dir);
    if (!lock) return refuse(lock.error().message);
    if (const auto problem = add_handlers(settings_, io_, handlers_)) return refuse(*problem, 2);
    service_database database(settings_, log_);
    conninfo_ = database.conninfo();  // of an embedded one: once it runs
    announce("starting", {});
    if (const auto code = database.prepare()) return announce("stopped", {}), *code;
    conninfo_ = database.conninfo();
    std::promise<void> io_done;
    std::thread io_thread([&] {
      io_.run();
      io_done.set_value();
    });
    watch_signals();
    const bool clean = run_actors(database);
    // What was told to close does so, and then nothing is left to run for.
    signals_.cancel();
    work_.reset();
    if (io_done.get_future().wait_for(std::chrono::seconds(2)) != std::future_status::ready) {
      log_->warn("cascade.service.stop text=\"connections did not close in time\"");
      io_.stop();
    }
    io_thread.join();
    database.stop();
    announce("stopped", {});
    log_->info("cascade.service.stopped clean={}", clean);
    return failed_ ? 1 : 0;
  }

private:
  int refuse(const std::string& why, int exit = 1) {
    log_->error("cascade.service.refused text=\"{}\"", why);
    return exit;
  }

  void announce(const char* state, epoch_id epoch) {
    service_record r;
    r.state = state;
    r.conninfo = without_password(conninfo_);
    r.console = settings_.console.socket.string();
    r.node = settings_.node_name;
    r.epoch = epoch;
    if (const auto problem = write_service_file(settings_.data_dir, r); !problem.empty())
      log_->error("cascade.service.file text=\"{}\"", problem);
  }

  void watch_signals() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    std::signal(SIGHUP, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
    signals_.async_wait([this](const boost::system::error_code& e, int) {
      if (e) return;
      stop_.set_value();
      signals_.async_wait([this](const boost::system::error_code& again, int) {
        if (again) return;
        log_->warn("cascade.service.killed text=\"a second signal: what runs is left as it is\"");
        log_->flush();
        std::_Exit(130);
      });
    });
  }

  engine_context_ptr make_context() {
    auto context = std::make_shared<engine_context>();
    context->settings = engine_settings_of(settings_, conninfo_);
    context->settings.handlers = handlers_.names();
    context->io = &io_;
    context->database = std::make_shared<database_port>(settings_.engine.database_deadline);
    runner_options options;
    options.threads_max = static_cast<std::size_t>(settings_.handler_threads);
    options.command_log = [log = log_](const task_run& r, std::string_view text) {
      log->info("cascade.command.stderr task={} attempt={} text={}", r.id.value, r.attempt,
                nlohmann::json(std::string(text))
                    .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    };
    context->run = std::make_shared<runner>(handlers_, io_, options);
    context->log = log_;
    context->on_standby = [this] {
      if (!stopping_) announce("standby", {});
    };
    context->on_ready = [this](bool ready, epoch_id epoch) {
      if (stopping_) return;
      announce(ready ? "ready" : "starting", epoch);
      if (ready)
        log_->info("cascade.service.ready epoch={} data_dir={}", epoch.value,
                   settings_.data_dir.string());
    };
    return context;
  }

  supervisor_spec tree(engine_context_ptr context, std::shared_ptr<engine_parts> parts,
                       service_database& database, caf::actor_system& system) {
    supervisor_spec spec;
    spec.name = "cascade";
    spec.restarts_max = 5;
    spec.within = std::chrono::seconds(60);
    if (database.embedded()) spec.children.push_back(database.keeper_child());
    spec.children.push_back(execution_child(context, parts));
    spec.children.push_back(engine_child(context, parts));
    console_ =
        std::make_shared<console_server>(io_, console_server_options{settings_.console.socket});
    console_options options;
    const auto relay = spawn_console_relay(system, parts);
    for (const char* name : {"jobs", "queues", "inbox", "priorities", "statements", "waiting",
                             "why", "task", "job", "cache"})
      options.providers[name] = relay;
    options.help = {
        {"jobs", "active jobs, from the scheduler's memory"},
        {"queues", "ready and running tasks by queue, from the scheduler's memory"},
        {"inbox", "what the inbox does: mode, reads, bells"},
        {"priorities", "changes of priority: received, without effect, written, waiting"},
        {"statements", "what was asked of the database since the node connected"},
        {"waiting", "what does not run, by queue and reason, from the scheduler's memory"},
        {"task", "task ID: its state, from the node's memory or its row"},
        {"job", "job ID: its state, from the node's memory or its row"},
        {"cache", "what the node keeps of tasks, jobs and workflows, and how often it was of use"},
        {"why", "why ID: why a task is not running, and what stands in its way"}};
    link_console(console_, options);
    spec.children.push_back(console_child(std::move(options)));
    return spec;
  }

  // True when nothing was left running.
  bool run_actors(service_database& database) {
    caf::actor_system_config config;
    config.add_message_types<caf::id_block::cascade>();
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", std::size_t{2});
    config.set("scheduler.max-throughput", std::size_t{200});
    caf::actor_system system(config);
    const auto context = make_context();
    const auto parts = std::make_shared<engine_parts>();
    bool clean = true;
    {
      const auto root = spawn_supervisor(system, tree(context, parts, database, system));
      const auto ended = end_of(root);
      if (const auto problem = console_->listen(); !problem.empty())
        log_->error("cascade.console.unavailable text=\"{}\"", problem);
      auto stopped = stop_.get_future();
      while (stopped.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
        if (ended.wait_for(std::chrono::seconds(0)) != std::future_status::ready) continue;
        log_->critical("cascade.service.failed text=\"{}\"", error_text(ended.get()));
        failed_ = true;
        break;
      }
      clean = stop(system, parts, root, ended);
    }
    console_->close();
    context->run->shutdown(std::chrono::steady_clock::now() + std::chrono::seconds(5));
    return clean;
  }

  bool stop(caf::actor_system& system, const std::shared_ptr<engine_parts>& parts,
            const supervisor_actor& root, const std::shared_future<caf::error>& ended) {
    const auto within = settings_.engine.shutdown_within;
    log_->info("cascade.service.stopping within_ms={}", within.count());
    stopping_ = true;
    announce("stopping", {});
    std::size_t left = 1;
    if (const auto scheduler = parts->get().scheduler)
      left = drain_all(system, scheduler, within).get();
    if (left != 0)
      log_->warn("cascade.service.interrupted tasks={}", left);
    else if (const auto recorder = parts->get().recorder;
             !recorder || drain_all(system, recorder, std::chrono::seconds(5)).get() != 0)
      log_->warn("cascade.service.lanes_kept text=\"the next owner looks at what was running\"");
    caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
    ended.wait_for(std::chrono::seconds(20));
    return left == 0;
  }

  const settings& settings_;
  handler_registry& handlers_;
  std::shared_ptr<spdlog::logger> log_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  boost::asio::signal_set signals_{io_};
  std::promise<void> stop_;
  std::shared_ptr<console_server> console_;
  std::string conninfo_;
  std::atomic<bool> stopping_{false};
  bool failed_ = false;  // the actors gave up
};

}  // namespace

int run_service(const settings& s, handler_registry& handlers) { return node(s, handlers).run(); }

}  // namespace cascade
