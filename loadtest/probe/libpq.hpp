// loadtest/probe/libpq.hpp
//
// The little of libpq that the probes need: blocking, one connection a thread, any error ends the
// program. Deliberately not pg/: what Cascade is compared with must not be made of Cascade.
#pragma once

#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>

namespace probe {

// Nanoseconds of CLOCK_MONOTONIC: the same for every process of the machine.
inline long long now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

inline void sleep_until(long long at_ns) {
  timespec t{};
  t.tv_sec = at_ns / 1'000'000'000LL;
  t.tv_nsec = at_ns % 1'000'000'000LL;
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr);
}

using connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using result = std::unique_ptr<PGresult, decltype(&PQclear)>;

[[noreturn]] inline void die(PGconn* c) {
  std::fprintf(stderr, "%s", PQerrorMessage(c));
  std::exit(1);
}

inline connection connect(const std::string& conninfo) {
  connection c(PQconnectdb(conninfo.c_str()), &PQfinish);
  if (PQstatus(c.get()) != CONNECTION_OK) die(c.get());
  return c;
}

inline result checked(PGconn* c, PGresult* r) {
  const auto status = PQresultStatus(r);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) die(c);
  return {r, &PQclear};
}

inline result run(PGconn* c, const char* sql) { return checked(c, PQexec(c, sql)); }

inline result run_prepared(PGconn* c, const char* name, const std::string& argument) {
  const char* values[] = {argument.c_str()};
  return checked(c, PQexecPrepared(c, name, 1, values, nullptr, nullptr, 0));
}

}  // namespace probe
