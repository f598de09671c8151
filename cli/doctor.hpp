// cli/doctor.hpp
//
// The checks of `cascade doctor` that need nothing but what the server said about itself. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/output.hpp"

namespace cascade {

struct doctor_check {
  enum verdict_kind { ok, warn, fail };

  std::string name;
  verdict_kind verdict = ok;
  std::string found;
  std::string advice;  // what to do; empty when all is well
};

constexpr const char* to_string(doctor_check::verdict_kind v) noexcept {
  return v == doctor_check::ok ? "OK" : v == doctor_check::warn ? "WARN" : "FAIL";
}

// `server` is the row of cli_doctor_server, backend_pid what the connection was told when it was
// made.
std::vector<doctor_check> server_checks(const json_row& server, int backend_pid);

// The server's clock was read between two readings of ours; seconds since 1970.
doctor_check clock_check(double server, double before, double after);

}  // namespace cascade
