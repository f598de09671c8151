// state/workflow.hpp
//
// What a workflow says, as a plain value. It has one normalized JSON form, which is what
// cascade.workflow.definition holds: all defaults resolved into the steps, every step with "name"
// and "depends_on" (an array), durations as text.
//
// Files, the C++ builder and rows read back from Postgres all pass through read_workflow(), so they
// obey one set of rules. Postgres sorts object keys: params read back come in its order, steps (an
// array) keep theirs.
//
// Cost    read O(bytes); check O(steps + dependencies + expressions).
// Limits  limits::steps_max, name_bytes_max, expression_bytes_max; dependencies_max below.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/expected.hpp"
#include "state/retry_policy.hpp"

namespace cascade {

inline constexpr std::size_t dependencies_max = 100'000;  // arrows of one workflow
inline constexpr std::size_t params_max = 200;

enum class param_type : std::uint8_t { any, string, integer, number, boolean, array, object };

struct param_definition {
  std::string name;
  param_type type = param_type::any;
  bool required = true;  // false when there is a default
  std::optional<nlohmann::json> default_value;
  std::vector<nlohmann::json> allowed;  // "enum"; empty: any value of the type
  std::string description;

  friend bool operator==(const param_definition&, const param_definition&) = default;
};

// When a step runs, asked once all its dependencies are settled.
enum class run_rule : std::uint8_t {
  // each completed (or was an empty for_each, or may fail and did); else the step is skipped
  all_success,
  all_done,  // whatever happened
  // at least one failed, was cancelled or quarantined, or was skipped because of such a one; else
  // skipped
  one_failed,
};

inline constexpr std::string_view command_handler = "command";
inline constexpr std::string_view waiting_handler = "noop";  // of a step that only waits

struct step_definition {
  std::string name;
  std::string description;
  std::string handler;  // command_handler when `command` is given
  std::optional<nlohmann::json>
      command;  // argv array or object; its inside is the executor's business
  std::vector<std::string> depends_on;
  std::optional<nlohmann::json> input;  // template; none: {} , or the item itself with for_each
  std::optional<std::string> when;      // expression -> boolean; none: true
  run_rule run = run_rule::all_success;
  std::optional<std::string> for_each;  // expression -> list
  bool allow_failure = false;  // its failure neither fails the job nor skips its dependents
  int max_attempts = 5;
  std::optional<retry_policy> retry;         // none: the service's default
  std::chrono::milliseconds timeout{};       // of one attempt; 0: the service's default
  std::chrono::milliseconds start_within{};  // once it may start; 0: whenever it can
  // Once its dependencies are settled: that long, or until a time that the expression gives, as text
  // of ISO 8601 or in seconds since 1970. A step that only waits has the handler "noop".
  std::chrono::milliseconds wait{};
  std::optional<std::string> wait_until;
  std::optional<int> priority;  // none: the job's
  std::string queue = "default";
  std::vector<std::string> requires_tags;  // "requires"

  friend bool operator==(const step_definition&, const step_definition&) = default;
};

struct workflow_definition {
  std::string name;
  std::string description;
  std::vector<param_definition> params;
  bool checks_input = false;  // "params" was given, so an input with other keys is refused
  std::vector<step_definition> steps;
  std::chrono::milliseconds timeout{};   // of the whole job; 0: none
  int concurrency = 0;                   // tasks of a job that run at a time; 0: no limit
  std::optional<nlohmann::json> result;  // template; none: {leaf step: its result}

  friend bool operator==(const workflow_definition&, const workflow_definition&) = default;
};

// Something wrong with a definition, where (a path of keys and indexes into its JSON) and what to
// do about it.
struct definition_problem {
  std::vector<std::string> path;      // {"steps", "3", "when"}; indexes as decimal text
  bool at_key = false;                // the key itself is wrong, not its value
  std::optional<std::size_t> offset;  // byte in the text of the value at `path`
  std::string message;
  std::string hint;
};

// Reads and checks one definition; `defaults` (max_attempts, retry, timeout, start_within, priority,
// queue, requires, run) is resolved into the steps. All problems are reported at once, those of
// check_workflow included; nothing is thrown.
expected<workflow_definition, std::vector<definition_problem>> read_workflow(
    const nlohmann::json& value);

// What only shows when all steps are looked at together: doubles, unknown steps, cycles,
// expressions that do not compile or read what cannot be there yet. Empty: the definition may run.
// Expects what read_workflow lets through.
std::vector<definition_problem> check_workflow(const workflow_definition& definition);

// The normalized form. read_workflow(to_json(d)) == d.
nlohmann::json to_json(const workflow_definition& definition);

// What is wrong with `value` as this parameter ("must be ..."), by the rule and in the words of
// cascade.checked_input.
std::optional<std::string> param_problem(const param_definition& param,
                                         const nlohmann::json& value);

std::string_view to_string(param_type type) noexcept;
std::string_view to_string(run_rule rule) noexcept;

}  // namespace cascade
