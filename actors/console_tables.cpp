#include "actors/console_tables.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace cascade {
namespace {

constexpr std::size_t rows_max = 200;

console_answer jobs(const scheduler_data& s) {
  console_answer a;
  nlohmann::json rows = nlohmann::json::array();
  a.text = fmt::format("{:>12}  {:<10} {:>8}  {}\n", "JOB", "KIND", "OPEN", "STATE");
  for (const auto& [id, j] : s.jobs) {
    if (rows.size() == rows_max) break;
    const char* kind = j.container ? "container" : "workflow";
    const char* state = !j.actor ? "starting" : j.stopped() ? "paused" : "active";
    a.text += fmt::format("{:>12}  {:<10} {:>8}  {}\n", id.value, kind, j.open, state);
    rows.push_back({{"id", id.value}, {"kind", kind}, {"open", j.open}, {"state", state}});
  }
  if (s.jobs.size() > rows.size())
    a.text += fmt::format("... and {} more\n", s.jobs.size() - rows.size());
  a.json = nlohmann::json{{"jobs", rows}, {"count", s.jobs.size()}}.dump();
  return a;
}

console_answer queues(const scheduler_data& s) {
  console_answer a;
  nlohmann::json rows = nlohmann::json::array();
  struct keys {
    std::size_t ready = 0;
    std::size_t hot = 0;
  };
  std::map<std::string, keys> count;
  for (ready_set::lot_index i = 0; i < s.ready.lot_count(); ++i) {
    count[s.ready.queue_of(i)].ready += s.ready.size(i);
    count[s.ready.queue_of(i)].hot += s.ready.hot_size(i);
  }
  a.text = fmt::format("{:<24} {:>10} {:>10} {:>10} {:>10}  {}\n", "QUEUE", "READY", "HOT", "COLD",
                       "RUNNING", "STATE");
  for (const auto& [name, q] : s.queues) {
    if (rows.size() == rows_max) break;
    const std::string state = q.paused            ? "paused"
                              : q.concurrency > 0 ? fmt::format("limit {}", q.concurrency)
                                                  : "open";
    const keys& n = count[name];
    a.text += fmt::format("{:<24} {:>10} {:>10} {:>10} {:>10}  {}\n", name, n.ready, n.hot,
                          n.ready - n.hot, q.running, state);
    rows.push_back({{"queue", name},
                    {"ready", n.ready},
                    {"hot", n.hot},
                    {"cold", n.ready - n.hot},
                    {"running", q.running},
                    {"paused", q.paused},
                    {"concurrency", q.concurrency},
                    {"weight", q.weight},
                    {"waiting_for_slots", s.slots.parked(name) + s.rest.size(name)},
                    {"when_full", when_full_names[static_cast<std::size_t>(q.strategy)]}});
  }
  a.json = nlohmann::json{{"queues", rows}, {"delayed", s.delayed.size()}}.dump();
  return a;
}

// Since the connections began, or since the node last connected.
console_answer statements(const scheduler_data& s) {
  console_answer a;
  nlohmann::json all = nlohmann::json::object();
  const auto add = [&](const char* name, const std::shared_ptr<pg::session>& session) {
    if (!session) return;
    const pg::session_counters& c = session->counters();
    nlohmann::json by_name = nlohmann::json::object();
    a.text +=
        fmt::format("{}: {} statements in {} batches, {} round trips, {} rows\n", name,
                    c.statements.load(), c.batches.load(), c.round_trips.load(), c.rows.load());
    auto counts = session->statement_counts();
    std::ranges::sort(counts, std::greater<>{}, [](const auto& p) { return p.second; });
    for (const auto& [query, n] : counts) {
      a.text += fmt::format("{:>12}  {}\n", n, query);
      by_name[query] = n;
    }
    all[name] = {{"statements", c.statements.load()},
                 {"batches", c.batches.load()},
                 {"round_trips", c.round_trips.load()},
                 {"rows", c.rows.load()},
                 {"by_name", by_name}};
  };
  add("reader", s.context->database->reader());
  add("writer", s.context->database->writer());
  a.json = all.dump();
  return a;
}

}  // namespace

console_answer console_table(const scheduler_data& s, const console_query& q) {
  if (q.command == "queues") return queues(s);
  if (q.command == "statements") return statements(s);
  return jobs(s);
}

}  // namespace cascade
