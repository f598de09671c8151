#include "state/command_spec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "state/duration.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"
#include "state/suggest.hpp"

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

constexpr std::array<std::string_view, 11> members{"argv",
                                                   "cwd",
                                                   "env",
                                                   "success_codes",
                                                   "retry_codes",
                                                   "fail_codes",
                                                   "snooze_codes",
                                                   "other_codes",
                                                   "kill_after",
                                                   "stdout_bytes_max",
                                                   "stderr_bytes_max"};

std::string shown(const std::string& text) { return "\"" + storable_text(text, 100) + "\""; }

bool has_nul(const std::string& s) { return s.find('\0') != std::string::npos; }

using faults = std::vector<command_fault>;

// Each reads one member, and leaves out what it cannot use.
struct spec_reader {
  command_spec spec;
  faults found;

  void bad(std::vector<std::string> path, std::string message, std::string hint = {}) {
    found.push_back({std::move(path), false, std::move(message), std::move(hint)});
  }
  std::optional<std::string> text(const json& value, std::vector<std::string> path) {
    if (value.is_string()) return value.get<std::string>();
    bad(std::move(path), std::string("must be text, not ") + value.type_name(),
        value.is_number() || value.is_boolean() ? "put it in quotes" : "");
    return std::nullopt;
  }

  void argv(const json& value) {
    if (!value.is_array())
      return bad({"argv"}, std::string("must be a list of texts, not ") + value.type_name());
    for (std::size_t i = 0; i < value.size(); ++i)
      spec.argv.push_back(text(value[i], {"argv", std::to_string(i)}).value_or("?"));
  }

  void env(const json& value) {
    if (!value.is_object())
      return bad({"env"}, std::string("must be an object, not ") + value.type_name());
    for (const auto& [key, member] : value.items())
      if (auto one = text(member, {"env", key})) spec.env[key] = std::move(*one);
  }

  void codes(const json& value, const std::string& where, std::vector<int>& out) {
    out.clear();
    if (!value.is_array())
      return bad({where}, std::string("must be a list of exit codes, not ") + value.type_name());
    for (std::size_t i = 0; i < value.size(); ++i)
      if (value[i].is_number_integer() && value[i] >= 0 && value[i] <= 255)
        out.push_back(value[i].get<int>());
      else
        bad({where, std::to_string(i)}, "must be a whole number from 0 to 255");
  }

  void bytes(const json& value, const std::string& where, std::size_t& out) {
    if (!value.is_number_integer() || value < 0) return bad({where}, "must be a number of bytes");
    out = value.get<std::size_t>();
  }

  void kill_after(const json& value) {
    const auto wrong = [&] {
      bad({"kill_after"}, "must be seconds, or text such as \"500ms\", \"5s\", \"2m\"");
    };
    double number = 0;
    double unit = 1000;
    if (value.is_number()) {
      number = value.get<double>();
    } else if (value.is_string()) {
      const auto& given = value.get_ref<const std::string&>();
      const auto [end, ec] = std::from_chars(given.data(), given.data() + given.size(), number);
      const std::string_view rest(end, static_cast<std::size_t>(given.data() + given.size() - end));
      if (ec != std::errc()) return wrong();
      if (rest == "ms")
        unit = 1;
      else if (rest == "m")
        unit = 60'000;
      else if (rest != "s")
        return wrong();
    } else {
      return wrong();
    }
    const double ms = number * unit;
    if (!std::isfinite(ms) || ms < 0 || ms > static_cast<double>(kill_after_max.count()))
      return bad({"kill_after"}, "must be from 0 to 1 hour");
    spec.kill_after = milliseconds(std::llround(ms));
  }

  void other_codes(const json& value) {
    if (value != "retry" && value != "fail")
      return bad({"other_codes"}, "must be \"retry\" or \"fail\"");
    spec.other_codes =
        value == "retry" ? command_spec::verdict::retry : command_spec::verdict::fail;
  }

  void member(const std::string& key, const json& value) {
    if (key == "argv") return argv(value);
    if (key == "cwd") return void(spec.cwd = text(value, {key}).value_or(""));
    if (key == "env") return env(value);
    if (key == "success_codes") return codes(value, key, spec.success_codes);
    if (key == "retry_codes") return codes(value, key, spec.retry_codes);
    if (key == "fail_codes") return codes(value, key, spec.fail_codes);
    if (key == "snooze_codes") return codes(value, key, spec.snooze_codes);
    if (key == "other_codes") return other_codes(value);
    if (key == "kill_after") return kill_after(value);
    if (key == "stdout_bytes_max") return bytes(value, key, spec.stdout_bytes_max);
    if (key == "stderr_bytes_max") return bytes(value, key, spec.stderr_bytes_max);
    found.push_back({{key}, true, "unknown member " + shown(key), suggestion(key, members)});
  }

  // False: it is nothing that has members.
  bool read(const json& doc) {
    if (doc.is_array()) {
      argv(doc);
    } else if (!doc.is_object()) {
      bad({}, std::string("must be an array or an object, not ") + doc.type_name(),
          "for example [ls, -l] or {argv: [ls, -l]}");
      return false;
    } else {
      if (!doc.contains("argv")) bad({}, "argv is missing", "for example {argv: [ls, -l]}");
      for (const auto& [key, value] : doc.items()) member(key, value);
    }
    return true;
  }
};

void check_env(const command_spec& spec, faults& out) {
  for (const auto& [key, value] : spec.env) {
    const auto bad_name = [&, &key = key](const std::string& message) {
      out.push_back({{"env", key}, true, message, {}});
    };
    if (key.empty())
      bad_name("has an empty name");
    else if (key.find('=') != std::string::npos || has_nul(key))
      bad_name("name " + shown(key) + " has a = or a NUL");
    else if (std::ranges::find(reserved_env, key) != std::end(reserved_env))
      bad_name("name " + key + " is reserved");
    if (has_nul(value)) out.push_back({{"env", key}, false, "has a NUL character", {}});
  }
}

void check_codes(const command_spec& spec, faults& out) {
  const std::pair<const char*, const std::vector<int>*> lists[] = {
      {"success_codes", &spec.success_codes},
      {"retry_codes", &spec.retry_codes},
      {"fail_codes", &spec.fail_codes},
      {"snooze_codes", &spec.snooze_codes}};
  std::set<int> seen;
  for (const auto& [where, list] : lists)
    for (const int code : *list)
      if (code < 0 || code > 255)
        out.push_back({{where}, false, "exit codes are numbers from 0 to 255", {}});
      else if (!seen.insert(code).second)
        out.push_back(
            {{where}, false, "exit code " + std::to_string(code) + " is listed twice", {}});
}

faults spec_faults(const command_spec& spec) {
  faults out;
  const auto bad = [&out](std::vector<std::string> path, std::string message) {
    out.push_back({std::move(path), false, std::move(message), {}});
  };
  std::size_t bytes = 0;
  if (spec.argv.empty() || spec.argv.size() > argv_count_max)
    bad({"argv"}, "must have 1 to " + std::to_string(argv_count_max) + " entries, not " +
                      std::to_string(spec.argv.size()));
  else if (spec.argv[0].empty())
    bad({"argv", "0"}, "the program is empty");
  for (std::size_t i = 0; i < spec.argv.size(); ++i) {
    if (has_nul(spec.argv[i])) bad({"argv", std::to_string(i)}, "has a NUL character");
    bytes += spec.argv[i].size() + 1;
  }
  for (const auto& [key, value] : spec.env) bytes += key.size() + value.size() + 2;
  check_env(spec, out);
  if (bytes > spec_bytes_max)
    bad({}, "argv and env have " + std::to_string(bytes) + " bytes, more than the limit of " +
                std::to_string(spec_bytes_max));
  if (!spec.cwd.empty() && (spec.cwd[0] != '/' || has_nul(spec.cwd)))
    bad({"cwd"}, "must be an absolute path, not " + shown(spec.cwd));
  check_codes(spec, out);
  if (spec.other_codes != command_spec::verdict::retry &&
      spec.other_codes != command_spec::verdict::fail)
    bad({"other_codes"}, "must be retry or fail");
  if (spec.kill_after < milliseconds(0) || spec.kill_after > kill_after_max)
    bad({"kill_after"}, "must be from 0 to 1 hour");
  if (spec.stdout_bytes_max > limits::result_bytes_max)
    bad({"stdout_bytes_max"},
        "is more than the limit of " + std::to_string(limits::result_bytes_max));
  if (spec.stderr_bytes_max > stderr_bytes_limit)
    bad({"stderr_bytes_max"}, "is more than the limit of " + std::to_string(stderr_bytes_limit));
  return out;
}

// Of a member that could not be read, only that is worth telling.
void add_faults_of_spec(spec_reader& in) {
  std::set<std::string> unread;
  for (const command_fault& f : in.found)
    if (!f.at_key) unread.insert(f.path.empty() ? "argv" : f.path[0]);
  for (command_fault& f : spec_faults(in.spec))
    if (f.path.empty() || !unread.contains(f.path[0])) in.found.push_back(std::move(f));
}

std::string text_of(const command_fault& f) {
  std::string out = "command: ";
  const std::size_t end = f.path.size() - (f.at_key && !f.path.empty() ? 1 : 0);
  for (std::size_t i = 0; i < end; ++i) {
    const std::string key = storable_text(f.path[i], 100);
    if (i == 0)
      out += key;
    else
      out += f.path[0] == "env" ? "." + key : "[" + key + "]";
  }
  return out + (end > 0 ? ": " : "") + f.message + (f.hint.empty() ? "" : "; " + f.hint);
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
  const faults found = spec_faults(spec);
  return found.empty() ? std::nullopt : std::optional(text_of(found.front()));
}

std::vector<command_fault> command_faults(const json& value) {
  spec_reader in;
  if (in.read(value)) add_faults_of_spec(in);
  return std::move(in.found);
}

parsed_command parse_command(std::string_view text) {
  // Checked first: the document's depth is then bounded, so building and freeing it cannot exhaust
  // the stack.
  if (auto problem = json_storage_problem(text, limits::definition_bytes_max))
    return {{}, "command: " + *problem};
  spec_reader in;
  if (in.read(json::parse(text))) add_faults_of_spec(in);
  if (!in.found.empty()) return {{}, text_of(in.found.front())};
  return {std::move(in.spec), {}};
}

}  // namespace cascade
