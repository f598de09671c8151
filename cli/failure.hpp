// cli/failure.hpp
//
// How a command of `cascade` ends when it does not do what was asked. Thrown, and caught in one
// place (cli/cascade.cpp), which prints it for people or, with --json, as {"error": {...}} on
// standard error.
#pragma once

#include <exception>
#include <string>

namespace cascade {

// Documented in --help and docs/cli.md; scripts depend on the numbers.
enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,       // the thing asked for failed: the job, the task, a check
  exit_usage = 2,        // the command line, a file or an input is wrong
  exit_unreachable = 3,  // no database, no service, no schema
  exit_not_found = 4,
  exit_timed_out = 5,  // waited long enough; what was waited for goes on
  exit_interrupted = 130,
};

struct cli_failure : std::exception {
  exit_code exit = exit_failed;
  std::string message;
  std::string hint;
  std::string sqlstate;

  cli_failure(exit_code e, std::string text, std::string what_to_do = {}, std::string state = {})
      : exit(e),
        message(std::move(text)),
        hint(std::move(what_to_do)),
        sqlstate(std::move(state)) {}
  const char* what() const noexcept override { return message.c_str(); }
};

constexpr const char* to_string(exit_code e) noexcept {
  switch (e) {
    case exit_ok:
      return "ok";
    case exit_failed:
      return "failed";
    case exit_usage:
      return "usage";
    case exit_unreachable:
      return "unreachable";
    case exit_not_found:
      return "not_found";
    case exit_timed_out:
      return "timed_out";
    case exit_interrupted:
      return "interrupted";
  }
  return "failed";
}

}  // namespace cascade
