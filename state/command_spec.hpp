// state/command_spec.hpp
//
// What a command is: the program, its arguments and environment, and what its exit codes mean.
// Comes from the configuration (a named handler) or from a step of a workflow; never from a task's
// payload.
//
// JSON     an array of strings (argv), or an object with the members below; unknown members are
//          errors. Durations are seconds as a number, or text such as "500ms", "5s", "2m".
// Meaning  the codes of the four lists are disjoint; any other code is `other_codes`.
// Limits   argv 1..1000 entries, argv and env together 1 MiB; stdout_bytes_max <=
//          limits::result_bytes_max; stderr_bytes_max <= 1 MiB; kill_after 0..1 h.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cascade {

struct command_spec {
  enum class verdict { success, retry, fail, snooze };

  std::vector<std::string> argv;  // argv[0] without a slash is looked up in PATH; never a shell
  std::string cwd;                // absolute, or empty: the runner's neutral directory
  std::map<std::string, std::string> env;  // on top of the clean environment
  std::vector<int> success_codes{0};
  std::vector<int> retry_codes;
  std::vector<int> fail_codes;
  std::vector<int> snooze_codes;
  verdict other_codes = verdict::retry;         // "retry" or "fail"
  std::chrono::milliseconds kill_after{5'000};  // from SIGTERM to SIGKILL
  std::size_t stdout_bytes_max = 1u << 20;      // more ends the attempt
  std::size_t stderr_bytes_max = 64u << 10;     // the last bytes are kept

  verdict verdict_of(int exit_code) const noexcept;
};

// One thing that is wrong with a command.
struct command_fault {
  std::vector<std::string> path;  // {"env", "PATH"}, {"argv", "0"}, also when argv is all there is
  bool at_key = false;            // the last key itself is wrong, not its value
  std::string message;
  std::string hint;
};

// All that is wrong with the JSON of a command; the depth of the document must be bounded.
std::vector<command_fault> command_faults(const nlohmann::json& value);

// Either a spec, or an error that says what is wrong and where.
struct parsed_command {
  std::optional<command_spec> spec;
  std::string error;
};

parsed_command parse_command(std::string_view json);

// When a command that asks for another try wants it: member "retry_in" of the JSON object on its
// stdout, a duration as in state/duration.hpp. Nothing when the output is not that, or is longer
// than a hint can be (64 KiB).
std::optional<std::chrono::milliseconds> retry_in_of(std::string_view stdout_text);

// Returns what is wrong with a spec that was built in C++, or nothing. parse_command has done this
// already.
std::optional<std::string> command_problem(const command_spec& spec);

}  // namespace cascade
