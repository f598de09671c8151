// What Postgres itself can do, with nothing around it: the reference rows of the comparison.
//   floor latency   INSERT sent, to NOTIFY received, to row read
//   floor complete  read 500 unfinished rows, complete them with one statement; one connection
// And what the machine can do:
//   floor timers    a thread that sleeps until one time after the other: how late it wakes up
#include <poll.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "loadtest/probe/libpq.hpp"

namespace {

using nlohmann::json;
using probe::now_ns;

double since_us(long long at) { return static_cast<double>(now_ns() - at) / 1e3; }

json latency(const std::string& conninfo, int count, double pause_ms) {
  const auto producer = probe::connect(conninfo);
  const auto listener = probe::connect(conninfo);
  const auto reader = probe::connect(conninfo);
  probe::run(producer.get(),
             "create table floor (id bigint generated always as identity primary key, payload "
             "jsonb not null)");
  probe::run(listener.get(), "listen bell");
  const char* insert =
      "with bell as (select pg_notify('bell', '')) insert into floor (payload) select $1::jsonb "
      "from bell";
  probe::checked(producer.get(), PQprepare(producer.get(), "insert", insert, 1, nullptr));
  probe::checked(reader.get(),
                 PQprepare(reader.get(), "read",
                           "select id, payload::text from floor where id > $1", 1, nullptr));
  std::atomic<long long> sent{0};
  std::atomic<int> read{0};
  json notified = json::array(), seen = json::array();
  std::thread owner([&] {
    long long last = 0;
    while (read < count) {
      pollfd fd{PQsocket(listener.get()), POLLIN, 0};
      poll(&fd, 1, 1000);
      PQconsumeInput(listener.get());
      bool rung = false;
      while (PGnotify* n = PQnotifies(listener.get())) {
        rung = true;
        PQfreemem(n);
      }
      if (!rung) continue;
      const double at_bell = since_us(sent);
      const auto rows = probe::run_prepared(reader.get(), "read", std::to_string(last));
      const double at_row = since_us(sent);
      for (int i = 0; i < PQntuples(rows.get()); ++i) {
        last = std::atoll(PQgetvalue(rows.get(), i, 0));
        notified.push_back(at_bell);
        seen.push_back(at_row);
        ++read;
      }
    }
  });
  for (int i = 0; i < count; ++i) {
    const int before = read;
    sent = now_ns();
    probe::run_prepared(producer.get(), "insert", "{\"sent\": \"" + std::to_string(sent) + "\"}");
    while (read == before) probe::sleep_until(now_ns() + 100'000);
    probe::sleep_until(now_ns() + static_cast<long long>(pause_ms * 1e6));
  }
  owner.join();
  return {{"notified_us", notified}, {"late_us", seen}};
}

// What a queue cannot do without: a table, an index of what is unfinished, one read and one write for
// each batch. No triggers, no counters, no other index, one connection.
json complete(const std::string& conninfo, int rows, int batch) {
  const auto c = probe::connect(conninfo);
  probe::run(c.get(),
             "create table floor (id bigint generated always as identity primary key, started_at "
             "timestamptz, finished_at timestamptz, status int not null default 1, payload jsonb "
             "not null) with (fillfactor = 90)");
  probe::run(c.get(), "create index floor_unfinished on floor (id) where status = 1");
  probe::run(c.get(),
             ("insert into floor (payload) select jsonb_build_object('i', 1000000 + i) from "
              "generate_series(1, " +
              std::to_string(rows) + ") i")
                 .c_str());
  probe::run(c.get(), "vacuum analyze floor");
  probe::checked(c.get(),
                 PQprepare(c.get(), "read",
                           ("select id, payload::text from floor where status = 1 and id > $1 "
                            "order by id limit " +
                            std::to_string(batch))
                               .c_str(),
                           1, nullptr));
  probe::checked(c.get(), PQprepare(c.get(), "complete",
                                    "update floor set status = 2, started_at = now(), finished_at "
                                    "= now() where id = any ($1::bigint[]) and status = 1",
                                    1, nullptr));
  const long long begun = now_ns();
  int done = 0;
  for (std::string last = "0";;) {
    const auto read = probe::run_prepared(c.get(), "read", last);
    const int n = PQntuples(read.get());
    if (n == 0) break;
    std::string ids = "{";
    for (int i = 0; i < n; ++i)
      ids += (i == 0 ? "" : ",") + std::string(PQgetvalue(read.get(), i, 0));
    probe::run_prepared(c.get(), "complete", ids + "}");
    last = PQgetvalue(read.get(), n - 1, 0);
    done += n;
  }
  const double seconds = since_us(begun) / 1e6;
  return {{"rows", done}, {"seconds", seconds}, {"per_second", done / seconds}};
}

json timers(int count, double seconds) {
  const long long begun = now_ns() + 10'000'000;
  json late = json::array();
  for (int i = 0; i < count; ++i) {
    const long long at = begun + static_cast<long long>(i * seconds * 1e9 / count);
    probe::sleep_until(at);
    late.push_back(since_us(at));
  }
  return {{"late_us", late}};
}

}  // namespace

int main(int argc, char** argv) {
  std::string conninfo;
  int count = 1000, rows = 300'000, batch = 500;
  double pause_ms = 5, seconds = 10;
  CLI::App app("What Postgres itself can do; answers with JSON");
  app.require_subcommand(1);
  app.add_option("--conninfo", conninfo);
  auto* l = app.add_subcommand("latency", "INSERT sent to row read, one at a time");
  l->add_option("--count", count);
  l->add_option("--pause-ms", pause_ms);
  auto* f = app.add_subcommand("complete", "One statement that completes many rows");
  f->add_option("--rows", rows);
  f->add_option("--batch", batch);
  auto* t = app.add_subcommand("timers",
                               "Lateness of a thread that sleeps until one time after the other");
  t->add_option("--count", count);
  t->add_option("--seconds", seconds);
  CLI11_PARSE(app, argc, argv);
  if (t->parsed())
    std::cout << timers(count, seconds) << "\n";
  else
    std::cout << (l->parsed() ? latency(conninfo, count, pause_ms)
                              : complete(conninfo, rows, batch))
              << "\n";
}
