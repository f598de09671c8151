#include "config/keys.hpp"

#include <cctype>

#include "state/limits.hpp"

namespace cascade {
namespace {

using ms = std::chrono::milliseconds;
using value = const key_value&;

constexpr double second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
constexpr double kib = 1024, mib = 1024 * kib, gib = 1024 * mib;
constexpr double path_max = 4096;

constexpr std::array<std::string_view, 3> same(std::string_view text) { return {text, text, text}; }

std::vector<std::filesystem::path> paths(value v) { return {v.list.begin(), v.list.end()}; }

// clang-format off
constexpr key_spec table[] = {
  {"profile", key_kind::choice, same("balanced"), 0, 0, profile_names, "",
   "Which set of defaults to start from. low_latency spends idle CPU on shorter waits; high_throughput gathers larger batches.",
   [](settings& s, value v) { s.profile = static_cast<profile_kind>(v.number); }},
  {"data_dir", key_kind::path, same(""), 1, path_max, {},
   "$XDG_STATE_HOME/cascade or ~/.local/state/cascade; /var/lib/cascade as root",
   "Where the service keeps its embedded database, its console socket and service.json. The database never runs as root, "
   "so for root this must be a place that other users can enter.",
   [](settings& s, value v) { s.data_dir = v.text; }},
  {"database", key_kind::conninfo, same(""), 0, path_max, {}, "",
   "Conninfo or URI of the Postgres to use, 14 or newer. Empty: the service runs an embedded one in data_dir. "
   "Prefer a pgpass file to a password here.",
   [](settings& s, value v) { s.database = v.text; }},
  {"node_name", key_kind::text, same(""), 1, limits::name_bytes_max, {}, "the host's name",
   "The name of this node in the database, in logs and in `cascade status`. Two nodes may share one.",
   [](settings& s, value v) { s.node_name = v.text; }},
  {"tags", key_kind::texts, same(""), 0, 32, {}, "",
   "What this node can do. A task with `requires` runs only on a node that has all of its tags.",
   [](settings& s, value v) { s.tags = v.list; }},
  {"workers", key_kind::integer, {"32", "32", "64"}, 1, 16384, {}, "",
   "How many tasks this node runs at the same time.",
   [](settings& s, value v) { s.workers = static_cast<int>(v.number); }},
  {"handler_threads", key_kind::integer, same("0"), 0, 1024, {}, "",
   "Threads for in-process handlers that block. 0: as many as workers, but no more than 256.",
   [](settings& s, value v) { s.handler_threads = static_cast<int>(v.number); }},

  {"log.level", key_kind::choice, same("info"), 0, 0, log_level_names, "",
   "The least important kind of line that is written.",
   [](settings& s, value v) { s.log.level = static_cast<log_level>(v.number); }},
  {"log.format", key_kind::choice, same("text"), 0, 0, log_format_names, "",
   "text for people, json (one object a line) for collectors.",
   [](settings& s, value v) { s.log.format = static_cast<log_format>(v.number); }},
  {"log.file", key_kind::path, same(""), 0, path_max, {}, "",
   "The file to append to. Empty: standard error.",
   [](settings& s, value v) { s.log.file = v.text; }},
  {"console.socket", key_kind::path, same(""), 1, 107, {}, "DATA_DIR/console/socket",
   "The Unix socket on which the console listens. The system allows 107 bytes.",
   [](settings& s, value v) { s.console.socket = v.text; }},

  {"embedded.user", key_kind::text, same(""), 0, 32, {}, "",
   "The system user the embedded database runs as when the service is started by root. Empty: postgres. "
   "Without root it always runs as the service's own user.",
   [](settings& s, value v) { s.embedded.user = v.text; }},
  {"embedded.bin_dir", key_kind::path, same(""), 0, path_max, {}, "",
   "The directory of initdb and postgres. Empty: the newest under /usr/lib/postgresql, then PATH.",
   [](settings& s, value v) { s.embedded.bin_dir = v.text; }},
  {"embedded.shared_buffers", key_kind::bytes, {"256MiB", "256MiB", "512MiB"}, mib, 64 * gib, {}, "",
   "shared_buffers of the embedded database. A quarter of the memory is the usual most.",
   [](settings& s, value v) { s.embedded.shared_buffers_bytes = v.number; }},

  {"engine.batch_rows_max", key_kind::integer, {"1000", "500", "2000"}, 1, 10'000, {}, "",
   "Most results written to the database in one statement.",
   [](settings& s, value v) { s.engine.batch_rows_max = static_cast<int>(v.number); }},
  {"engine.batches_in_flight", key_kind::integer, {"2", "4", "2"}, 1, 16, {}, "",
   "Batches sent over one connection before the answer to the first one is back.",
   [](settings& s, value v) { s.engine.batches_in_flight = static_cast<int>(v.number); }},
  {"engine.writers", key_kind::integer, {"2", "1", "2"}, 1, 16, {}, "",
   "Connections that write outcomes. The second and later ones are used when one cannot keep up.",
   [](settings& s, value v) { s.engine.writers = static_cast<int>(v.number); }},
  {"engine.inbox_page_rows", key_kind::integer, {"2000", "1000", "5000"}, 10, 100'000, {}, "",
   "Most new rows read from the inbox at once.",
   [](settings& s, value v) { s.engine.inbox_page_rows = static_cast<int>(v.number); }},
  {"engine.inbox_poll_awake", key_kind::duration, {"2ms", "1ms", "5ms"}, 1, second, {}, "",
   "How often an owner that stays awake reads its inbox. Inserts send no notification meanwhile.",
   [](settings& s, value v) { s.engine.inbox_poll_awake = ms(v.number); }},
  {"engine.inbox_poll_asleep", key_kind::duration, {"5s", "2s", "10s"}, 100, 10 * minute, {}, "",
   "How often a sleeping owner reads its inbox without having been woken. A net: notifications do the work.",
   [](settings& s, value v) { s.engine.inbox_poll_asleep = ms(v.number); }},
  {"engine.awake_threshold", key_kind::integer, {"500", "1000", "200"}, 1, 1'000'000, {}, "",
   "New rows a second from which on an owner stays awake and polls; below half of it, it goes back to sleep.",
   [](settings& s, value v) { s.engine.awake_threshold = static_cast<int>(v.number); }},
  {"engine.running_after", key_kind::duration, {"20ms", "20ms", "100ms"}, 0, minute, {}, "",
   "A task that runs longer than this is written as running; a shorter one is written once, when it has finished.",
   [](settings& s, value v) { s.engine.running_after = ms(v.number); }},
  {"engine.horizon", key_kind::duration, same("5m"), 2 * minute, day, {}, "",
   "Tasks that wait for a time further away than this stay in the database; the others are in memory.",
   [](settings& s, value v) { s.engine.horizon = ms(v.number); }},
  {"engine.ageing", key_kind::duration, same("0s"), 0, day, {}, "",
   "Tasks that wait gain a point of priority for each such period without a start of one of theirs: of their queue, with their "
   "priority; 0s: none.",
   [](settings& s, value v) { s.engine.ageing = ms(v.number); }},
  {"engine.ready_max", key_kind::integer, same("400000"), 1000, 20'000'000, {}, "",
   "Most ready tasks kept in memory, with their payloads. Of the others only the ids are kept, one to three bytes each; "
   "their rows are read again when their turn comes.",
   [](settings& s, value v) { s.engine.ready_max = static_cast<int>(v.number); }},
  {"engine.body_bytes_max", key_kind::bytes, {"16MiB", "16MiB", "64MiB"}, 64 * kib, 16 * gib, {}, "",
   "Memory for these tasks and their payloads.",
   [](settings& s, value v) { s.engine.body_bytes_max = v.number; }},
  {"engine.cache_rows_max", key_kind::integer, same("10000"), 1, 1'000'000, {}, "",
   "Most tasks, and most jobs, whose state is kept in memory for those who ask for it by id.",
   [](settings& s, value v) { s.engine.cache_rows_max = static_cast<int>(v.number); }},
  {"engine.cache_bytes_max", key_kind::bytes, same("8MiB"), 64 * kib, 16 * gib, {}, "",
   "Memory for these tasks, and as much for the jobs.",
   [](settings& s, value v) { s.engine.cache_bytes_max = v.number; }},
  {"engine.cache_ttl", key_kind::duration, same("30s"), 10, day, {}, "",
   "How long at most a state is kept. It follows everything that the node does; only rows that somebody changes by hand "
   "are shown as they were for so long.",
   [](settings& s, value v) { s.engine.cache_ttl = ms(v.number); }},
  {"engine.fold_every", key_kind::duration, {"250ms", "250ms", "1s"}, 10, minute, {}, "",
   "How often counter deltas are folded into totals. The views are exact at any time; this only keeps them fast.",
   [](settings& s, value v) { s.engine.fold_every = ms(v.number); }},
  {"engine.database_deadline", key_kind::duration, same("30s"), 100, hour, {}, "",
   "How long one call to the database may take before its connection is given up.",
   [](settings& s, value v) { s.engine.database_deadline = ms(v.number); }},
  {"engine.reconnect_backoff_max", key_kind::duration, {"5s", "1s", "5s"}, 10, 10 * minute, {}, "",
   "Longest pause between two attempts to reach a database that is away.",
   [](settings& s, value v) { s.engine.reconnect_backoff_max = ms(v.number); }},
  {"engine.shutdown_within", key_kind::duration, same("30s"), 0, day, {}, "",
   "How long running tasks may go on after the service was asked to stop. What still runs then is stopped and goes back to pending.",
   [](settings& s, value v) { s.engine.shutdown_within = ms(v.number); }},

  {"retention.keep", key_kind::duration, same("14d"), 0, 366 * day, {}, "",
   "How long tasks and jobs are kept after their end, in whole days. Older days are dropped as a whole. 0: for ever.",
   [](settings& s, value v) { s.retention.keep = ms(v.number); }},
  {"retention.every", key_kind::duration, same("1h"), 100, day, {}, "",
   "How often the service looks for days that are too old, and makes room for those to come.",
   [](settings& s, value v) { s.retention.every = ms(v.number); }},

  {"reconcile.every", key_kind::duration, same("10m"), 0, day, {}, "",
   "How often the counters are compared with the tasks, and those that are wrong repaired. 0: only by `cascade reconcile`.",
   [](settings& s, value v) { s.reconcile.every = ms(v.number); }},
  {"reconcile.slice", key_kind::bytes, same("16MiB"), 64 * kib, gib, {}, "",
   "How much of a table is read by one statement for that.",
   [](settings& s, value v) { s.reconcile.slice_bytes = v.number; }},

  {"propagation.high_from", key_kind::integer, same("70"), 0, 101, {}, "",
   "A change to this priority or a higher one is applied at once.",
   [](settings& s, value v) { s.propagation.high_from = static_cast<int>(v.number); }},
  {"propagation.medium_from", key_kind::integer, same("30"), 0, 101, {}, "",
   "From this priority on a change waits for medium_quiet; below it, for low_quiet.",
   [](settings& s, value v) { s.propagation.medium_from = static_cast<int>(v.number); }},
  {"propagation.medium_quiet", key_kind::duration, same("5s"), 0, hour, {}, "",
   "A change of medium priority is applied when there was no other one of the same task or job for so long.",
   [](settings& s, value v) { s.propagation.medium_quiet = ms(v.number); }},
  {"propagation.medium_most", key_kind::duration, same("10s"), 0, hour, {}, "",
   "The longest it waits, counted from the first of these changes.",
   [](settings& s, value v) { s.propagation.medium_most = ms(v.number); }},
  {"propagation.low_quiet", key_kind::duration, same("30s"), 0, hour, {}, "",
   "The same for a change of low priority.",
   [](settings& s, value v) { s.propagation.low_quiet = ms(v.number); }},
  {"propagation.low_most", key_kind::duration, same("1m"), 0, hour, {}, "",
   "The longest that one waits.",
   [](settings& s, value v) { s.propagation.low_most = ms(v.number); }},
  {"propagation.poll", key_kind::duration, same("30s"), 100, hour, {}, "",
   "How often the service looks for changes of priority that nobody told it of. A net: notifications do the work.",
   [](settings& s, value v) { s.propagation.poll = ms(v.number); }},

  {"tasks.timeout", key_kind::duration, same("0s"), 0, 366 * day, {}, "",
   "Longest run of one attempt of a task that names no timeout itself. 0: no limit.",
   [](settings& s, value v) { s.tasks.timeout = ms(v.number); }},
  {"tasks.retry.kind", key_kind::choice, same("exponential"), 0, 0, retry_kind_names, "",
   "How the pause grows from one attempt to the next, for tasks that name no retry policy themselves.",
   [](settings& s, value v) { s.tasks.retry.kind = static_cast<retry_kind>(v.number); }},
  {"tasks.retry.base", key_kind::duration, same("1s"), 0, day, {}, "",
   "The pause after the first failed attempt.",
   [](settings& s, value v) { s.tasks.retry.base = ms(v.number); }},
  {"tasks.retry.factor", key_kind::real, same("2"), 1, 100, {}, "",
   "What an exponential pause is multiplied with after each further attempt.",
   [](settings& s, value v) { s.tasks.retry.factor = v.real; }},
  {"tasks.retry.cap", key_kind::duration, same("10m"), 1, 366 * day, {}, "",
   "The longest pause.",
   [](settings& s, value v) { s.tasks.retry.cap = ms(v.number); }},
  {"tasks.retry.jitter", key_kind::real, same("1"), 0, 1, {}, "",
   "The share of a pause that is random, so that tasks that failed together do not come back together: 0 none, 1 all of it.",
   [](settings& s, value v) { s.tasks.retry.jitter = v.real; }},

  {"handlers.plugins", key_kind::paths, same(""), 0, 64, {}, "",
   "Shared objects with handlers, loaded at start in this order.",
   [](settings& s, value v) { s.handlers.plugins = paths(v); }},
  {"handlers.commands", key_kind::commands, same("{}"), 0, 10'000, {}, "",
   "Handlers that are programs: name: [program, argument, ...], or name: {argv: [...], cwd: DIR, env: {NAME: value}, ...}.",
   [](settings& s, value v) { s.handlers.commands_json = v.text; }},
};
// clang-format on

}  // namespace

std::string_view to_string(key_kind kind) {
  switch (kind) {
    case key_kind::text:
      return "text";
    case key_kind::path:
      return "path";
    case key_kind::conninfo:
      return "conninfo";
    case key_kind::integer:
      return "integer";
    case key_kind::real:
      return "number";
    case key_kind::duration:
      return "duration";
    case key_kind::bytes:
      return "size";
    case key_kind::choice:
      return "choice";
    case key_kind::texts:
      return "list";
    case key_kind::paths:
      return "list of paths";
    case key_kind::commands:
      return "map";
  }
  return "";
}

std::span<const key_spec> all_keys() { return table; }

const key_spec* find_key(std::string_view dotted) {
  const auto found = std::ranges::find(table, dotted, &key_spec::name);
  return found == std::end(table) ? nullptr : found;
}

std::string environment_name(const key_spec& key) {
  std::string name = "CASCADE_";
  for (const char c : key.name)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

}  // namespace cascade
