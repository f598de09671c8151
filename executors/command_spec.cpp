#include "executors/command_spec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "state/duration.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t argv_count_max = 1000;
constexpr std::size_t spec_bytes_max = 1u << 20;
constexpr std::size_t stderr_bytes_limit = 1u << 20;
constexpr std::size_t hint_bytes_max = 64u << 10;
constexpr milliseconds kill_after_max = std::chrono::hours(1);

// Set by the engine for each attempt, so a command may rely on them.
constexpr std::string_view reserved_env[] = {
    "CASCADE_TASK_ID", "CASCADE_JOB_ID",  "CASCADE_STEP",       "CASCADE_ITEM",
    "CASCADE_ATTEMPT", "CASCADE_HANDLER", "CASCADE_PROGRESS_FD"};

// Local to this file: parse_command turns it into text.
struct bad_command : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string shown(const std::string& text) { return "\"" + storable_text(text, 100) + "\""; }

std::string text_of(const json& value, const std::string& where) {
  if (!value.is_string()) throw bad_command(where + " must be text, not " + value.type_name());
  return value.get<std::string>();
}

std::vector<std::string> argv_of(const json& value) {
  if (!value.is_array())
    throw bad_command(std::string("argv must be an array of texts, not ") + value.type_name());
  std::vector<std::string> argv;
  for (const auto& arg : value)
    argv.push_back(text_of(arg, "argv[" + std::to_string(argv.size()) + "]"));
  return argv;
}

std::map<std::string, std::string> env_of(const json& value) {
  if (!value.is_object())
    throw bad_command(std::string("env must be an object, not ") + value.type_name());
  std::map<std::string, std::string> env;
  for (const auto& [key, text] : value.items())
    env[key] = text_of(text, "env." + storable_text(key, 100));
  return env;
}

std::vector<int> codes_of(const json& value, const std::string& where) {
  if (!value.is_array())
    throw bad_command(where + " must be an array of exit codes, not " + value.type_name());
  std::vector<int> codes;
  for (const auto& code : value) {
    if (!code.is_number_integer() || code < 0 || code > 255)
      throw bad_command(where + " must hold whole numbers from 0 to 255");
    codes.push_back(code.get<int>());
  }
  return codes;
}

std::size_t bytes_of(const json& value, const std::string& where) {
  if (!value.is_number_integer() || value < 0)
    throw bad_command(where + " must be a number of bytes");
  return value.get<std::size_t>();
}

milliseconds duration_of(const json& value, const std::string& where) {
  const auto bad = [&] {
    return bad_command(where + " must be seconds, or text such as \"500ms\", \"5s\", \"2m\"");
  };
  double number = 0;
  double unit = 1000;
  if (value.is_number()) {
    number = value.get<double>();
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (ec != std::errc()) throw bad();
    if (rest == "ms")
      unit = 1;
    else if (rest == "m")
      unit = 60'000;
    else if (rest != "s")
      throw bad();
  } else {
    throw bad();
  }
  const double ms = number * unit;
  if (!std::isfinite(ms) || ms < 0 || ms > static_cast<double>(kill_after_max.count()))
    throw bad_command(where + " must be from 0 to 1 hour");
  return milliseconds(std::llround(ms));
}

command_spec::verdict other_of(const json& value) {
  if (value == "retry") return command_spec::verdict::retry;
  if (value == "fail") return command_spec::verdict::fail;
  throw bad_command("other_codes must be \"retry\" or \"fail\"");
}

command_spec spec_of(const json& doc) {
  command_spec spec;
  if (doc.is_array()) {
    spec.argv = argv_of(doc);
    return spec;
  }
  if (!doc.is_object())
    throw bad_command(std::string("it must be an array or an object, not ") + doc.type_name());
  if (!doc.contains("argv")) throw bad_command("argv is missing");
  for (const auto& [key, value] : doc.items()) {
    if (key == "argv")
      spec.argv = argv_of(value);
    else if (key == "cwd")
      spec.cwd = text_of(value, key);
    else if (key == "env")
      spec.env = env_of(value);
    else if (key == "success_codes")
      spec.success_codes = codes_of(value, key);
    else if (key == "retry_codes")
      spec.retry_codes = codes_of(value, key);
    else if (key == "fail_codes")
      spec.fail_codes = codes_of(value, key);
    else if (key == "snooze_codes")
      spec.snooze_codes = codes_of(value, key);
    else if (key == "other_codes")
      spec.other_codes = other_of(value);
    else if (key == "kill_after")
      spec.kill_after = duration_of(value, key);
    else if (key == "stdout_bytes_max")
      spec.stdout_bytes_max = bytes_of(value, key);
    else if (key == "stderr_bytes_max")
      spec.stderr_bytes_max = bytes_of(value, key);
    else
      throw bad_command("unknown member " + shown(key));
  }
  return spec;
}

bool has_nul(const std::string& s) { return s.find('\0') != std::string::npos; }

std::string env_problem(const std::string& key, const std::string& value) {
  if (key.empty()) return "env has an empty name";
  if (key.find('=') != std::string::npos || has_nul(key))
    return "env name " + shown(key) + " has a = or a NUL";
  if (has_nul(value)) return "env." + storable_text(key, 100) + " has a NUL character";
  if (std::find(std::begin(reserved_env), std::end(reserved_env), key) != std::end(reserved_env))
    return "env name " + key + " is reserved";
  return {};
}

auto code_lists(const command_spec& spec) {
  return std::array{&spec.success_codes, &spec.retry_codes, &spec.fail_codes, &spec.snooze_codes};
}

// The code that stands in two lists or twice in one, if any.
std::optional<int> doubled_code(const command_spec& spec) {
  std::vector<int> all;
  for (const auto* list : code_lists(spec)) all.insert(all.end(), list->begin(), list->end());
  std::sort(all.begin(), all.end());
  const auto it = std::adjacent_find(all.begin(), all.end());
  return it == all.end() ? std::nullopt : std::optional(*it);
}

}  // namespace

command_spec::verdict command_spec::verdict_of(int exit_code) const noexcept {
  const auto in = [exit_code](const std::vector<int>& codes) {
    return std::find(codes.begin(), codes.end(), exit_code) != codes.end();
  };
  if (in(success_codes)) return verdict::success;
  if (in(retry_codes)) return verdict::retry;
  if (in(fail_codes)) return verdict::fail;
  if (in(snooze_codes)) return verdict::snooze;
  return other_codes;
}

std::optional<milliseconds> retry_in_of(std::string_view stdout_text) {
  if (json_storage_problem(stdout_text, hint_bytes_max)) return std::nullopt;
  const json doc = json::parse(stdout_text);
  if (!doc.is_object() || !doc.contains("retry_in")) return std::nullopt;
  return parse_duration(doc["retry_in"]);
}

std::optional<std::string> command_problem(const command_spec& spec) {
  if (spec.argv.empty() || spec.argv.size() > argv_count_max)
    return "command: argv must have 1 to " + std::to_string(argv_count_max) + " entries, not " +
           std::to_string(spec.argv.size());
  if (spec.argv[0].empty()) return "command: argv[0], the program, is empty";
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < spec.argv.size(); ++i) {
    if (has_nul(spec.argv[i]))
      return "command: argv[" + std::to_string(i) + "] has a NUL character";
    bytes += spec.argv[i].size() + 1;
  }
  for (const auto& [key, value] : spec.env) {
    if (auto problem = env_problem(key, value); !problem.empty()) return "command: " + problem;
    bytes += key.size() + value.size() + 2;
  }
  if (bytes > spec_bytes_max)
    return "command: argv and env have " + std::to_string(bytes) +
           " bytes, more than the limit of " + std::to_string(spec_bytes_max);
  if (!spec.cwd.empty() && (spec.cwd[0] != '/' || has_nul(spec.cwd)))
    return "command: cwd must be an absolute path, not " + shown(spec.cwd);
  for (const auto* list : code_lists(spec))
    for (int code : *list)
      if (code < 0 || code > 255) return "command: exit codes are numbers from 0 to 255";
  if (auto code = doubled_code(spec))
    return "command: exit code " + std::to_string(*code) + " is listed twice";
  if (spec.other_codes != command_spec::verdict::retry &&
      spec.other_codes != command_spec::verdict::fail)
    return "command: other_codes must be retry or fail";
  if (spec.kill_after < milliseconds(0) || spec.kill_after > kill_after_max)
    return "command: kill_after must be from 0 to 1 hour";
  if (spec.stdout_bytes_max > limits::result_bytes_max)
    return "command: stdout_bytes_max is more than the limit of " +
           std::to_string(limits::result_bytes_max);
  if (spec.stderr_bytes_max > stderr_bytes_limit)
    return "command: stderr_bytes_max is more than the limit of " +
           std::to_string(stderr_bytes_limit);
  return std::nullopt;
}

parsed_command parse_command(std::string_view text) {
  // Checked first: the document's depth is then bounded, so building and freeing it cannot exhaust
  // the stack.
  if (auto problem = json_storage_problem(text, limits::definition_bytes_max))
    return {{}, "command: " + *problem};
  try {
    command_spec spec = spec_of(json::parse(text));
    if (auto problem = command_problem(spec)) return {{}, *problem};
    return {std::move(spec), {}};
  } catch (const bad_command& e) {
    return {{}, std::string("command: ") + e.what()};
  }
}

}  // namespace cascade
