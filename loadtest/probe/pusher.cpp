// Inserts one row after the other, each carrying the time it was sent: {"sent": nanoseconds}.
// Paced by --rate (an open loop: a late insert does not move the next one) or by --pause-ms.
#include <CLI/CLI.hpp>

#include "loadtest/probe/libpq.hpp"

int main(int argc, char** argv) {
  std::string conninfo, sql;
  long long count = 1000;
  double rate = 0, pause_ms = 5;
  CLI::App app("Pushes tasks at a pace; $1 of the statement is the payload");
  app.add_option("--conninfo", conninfo)->required();
  app.add_option("--sql", sql)->required();
  app.add_option("--count", count)->check(CLI::PositiveNumber);
  app.add_option("--rate", rate, "a second; 0: paced by --pause-ms");
  app.add_option("--pause-ms", pause_ms);
  CLI11_PARSE(app, argc, argv);

  const probe::connection c = probe::connect(conninfo);
  probe::checked(c.get(), PQprepare(c.get(), "push", sql.c_str(), 1, nullptr));
  const long long begun = probe::now_ns();
  for (long long i = 0; i < count; ++i) {
    if (rate > 0) probe::sleep_until(begun + static_cast<long long>(double(i) * 1e9 / rate));
    probe::run_prepared(c.get(), "push", "{\"sent\": \"" + std::to_string(probe::now_ns()) + "\"}");
    if (rate <= 0) probe::sleep_until(probe::now_ns() + static_cast<long long>(pause_ms * 1e6));
  }
}
