#include <algorithm>
#include <unordered_map>

#include "state/command_spec.hpp"
#include "state/duration.hpp"
#include "state/limits.hpp"
#include "state/workflow_reader.hpp"

namespace cascade {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> workflow_keys{
    "name", "description", "params", "defaults", "steps", "timeout", "concurrency", "result"};
constexpr std::array<std::string_view, 8> default_keys{
    "max_attempts", "retry", "timeout", "start_within", "priority", "queue", "requires", "run"};
constexpr std::array<std::string_view, 19> step_keys{
    "start_within", "wait",     "wait_until",    "name",         "description",
    "handler",      "command",  "depends_on",    "input",        "when",
    "run",          "for_each", "allow_failure", "max_attempts", "retry",
    "timeout",      "priority", "queue",         "requires"};
constexpr std::size_t requires_max = 32;  // CHECK on cascade.task.requires

// What a step and "defaults" have in common.
void read_shared(definition_reader& in, const json& value, step_definition& out) {
  in.member(value, "max_attempts",
            [&](const json& v) { in.integer(v, 1, limits::attempts_max, out.max_attempts); });
  in.member(value, "retry", [&](const json& v) { in.retry(v, out.retry); });
  in.member(value, "timeout", [&](const json& v) { in.duration(v, out.timeout); });
  in.member(value, "start_within", [&](const json& v) { in.duration(v, out.start_within); });
  in.member(value, "queue", [&](const json& v) { in.name(v, out.queue); });
  in.member(value, "priority", [&](const json& v) {
    int n = 0;
    if (in.integer(v, limits::priority_min, limits::priority_max, n)) out.priority = n;
  });
  in.member(value, "requires", [&](const json& v) {
    in.names(v, out.requires_tags);
    if (out.requires_tags.size() > requires_max)
      in.problem("has more than " + std::to_string(requires_max) + " tags");
  });
  in.member(value, "run", [&](const json& v) {
    auto rule = static_cast<std::uint8_t>(out.run);
    in.choice(v, run_rule_names, rule);
    out.run = static_cast<run_rule>(rule);
  });
}

// The executor would refuse it only when the step runs.
void check_command(definition_reader& in, const json& value) {
  for (command_fault& f : command_faults(value)) {
    std::span<const std::string> path = f.path;
    if (value.is_array() && !path.empty()) path = path.subspan(1);  // it is the argv
    in.at(path, [&] { in.problem(std::move(f.message), std::move(f.hint)); });
    in.problems.back().at_key = f.at_key;
  }
}

// handler or command, not both, or neither when it waits; a normalized definition says handler "command" besides its command.
void read_action(definition_reader& in, const json& value, step_definition& out) {
  in.member(value, "handler", [&](const json& v) { in.name(v, out.handler); });
  in.member(value, "command", [&](const json& v) {
    out.command = v;
    check_command(in, v);
  });
  const bool waits = value.contains("wait") || value.contains("wait_until");
  if (!out.command && waits && !value.contains("handler")) {
    out.handler = waiting_handler;
    return;
  }
  if (!out.command) {
    if (!value.contains("handler")) in.problem("has neither \"handler\" nor \"command\"");
    if (out.handler == command_handler)
      in.problem("has the handler \"command\", but no command", "add command: [...]");
    return;
  }
  if (value.contains("handler") && out.handler != command_handler)
    in.problem("has both \"handler\" and \"command\"", "keep one of them");
  out.handler = command_handler;
}

// An expression, or a plain value of YAML that stands for itself.
void read_expression(definition_reader& in, const json& value, bool plain,
                     std::optional<std::string>& out) {
  if (value.is_string()) {
    out = value.get<std::string>();
  } else if (plain) {
    out = value.dump(-1, ' ', false, json::error_handler_t::replace);
  } else {
    in.problem("must be an expression, that is, a string");
  }
}

void read_step(definition_reader& in, const json& value, step_definition step,
               std::vector<step_definition>& out) {
  if (!in.is_object(value)) return void(out.emplace_back());  // keeps the indexes of the others
  in.known_keys(value, "a step", step_keys);
  if (!value.contains("name")) in.problem("has no \"name\"");
  in.member(value, "name", [&](const json& v) { in.identifier(v, step.name); });
  in.member(value, "description", [&](const json& v) { in.text(v, step.description); });
  read_action(in, value, step);
  in.member(value, "depends_on", [&](const json& v) { in.names(v, step.depends_on); });
  in.member(value, "input", [&](const json& v) { step.input = v; });
  in.member(value, "when",
            [&](const json& v) { read_expression(in, v, v.is_boolean(), step.when); });
  in.member(value, "for_each",
            [&](const json& v) { read_expression(in, v, v.is_array(), step.for_each); });
  in.member(value, "wait", [&](const json& v) { in.duration(v, step.wait); });
  in.member(value, "wait_until",
            [&](const json& v) { read_expression(in, v, v.is_number(), step.wait_until); });
  if (value.contains("wait") && value.contains("wait_until"))
    in.problem("has both \"wait\" and \"wait_until\"", "keep one of them");
  in.member(value, "allow_failure", [&](const json& v) { in.boolean(v, step.allow_failure); });
  read_shared(in, value, step);
  out.push_back(std::move(step));
}

void read_steps(definition_reader& in, const json& value, const step_definition& defaults,
                std::vector<step_definition>& out) {
  if (!value.is_array())
    return in.problem("must be a list of steps", "write each one as \"- name: ...\"");
  if (value.empty()) return in.problem("must not be empty");
  if (value.size() > limits::steps_max)
    return in.problem("there are more than " + std::to_string(limits::steps_max) + " steps");
  for (std::size_t i = 0; i < value.size(); ++i)
    in.in(std::to_string(i), [&] { read_step(in, value[i], defaults, out); });
}

json to_json(const param_definition& param) {
  json out{{"type", to_string(param.type)}, {"required", param.required}};
  if (param.default_value) out["default"] = *param.default_value;
  if (!param.allowed.empty()) out["enum"] = param.allowed;
  if (!param.description.empty()) out["description"] = param.description;
  return out;
}

json to_json(const step_definition& step) {
  json out{{"name", step.name},
           {"handler", step.handler},
           {"depends_on", step.depends_on},
           {"run", to_string(step.run)},
           {"max_attempts", step.max_attempts},
           {"queue", step.queue}};
  if (!step.description.empty()) out["description"] = step.description;
  if (step.command) out["command"] = *step.command;
  if (step.input) out["input"] = *step.input;
  if (step.when) out["when"] = *step.when;
  if (step.for_each) out["for_each"] = *step.for_each;
  if (step.allow_failure) out["allow_failure"] = true;
  if (step.retry) out["retry"] = to_json(*step.retry);
  if (step.timeout.count() > 0) out["timeout"] = format_duration(step.timeout);
  if (step.start_within.count() > 0) out["start_within"] = format_duration(step.start_within);
  if (step.wait.count() > 0) out["wait"] = format_duration(step.wait);
  if (step.wait_until) out["wait_until"] = *step.wait_until;
  if (step.priority) out["priority"] = *step.priority;
  if (!step.requires_tags.empty()) out["requires"] = step.requires_tags;
  return out;
}

}  // namespace

expected<workflow_definition, std::vector<definition_problem>> read_workflow(const json& value) {
  definition_reader in;
  workflow_definition out;
  if (!in.is_object(value)) return std::move(in.problems);
  in.known_keys(value, "a workflow", workflow_keys);
  if (!value.contains("name")) in.problem("the workflow has no \"name\"");
  in.member(value, "name", [&](const json& v) { in.identifier(v, out.name); });
  in.member(value, "description", [&](const json& v) { in.text(v, out.description); });
  in.member(value, "params", [&](const json& v) {
    out.checks_input = true;
    read_params(in, v, out.params);
  });
  step_definition defaults;
  in.member(value, "defaults", [&](const json& v) {
    if (!in.is_object(v)) return;
    in.known_keys(v, "the defaults", default_keys);
    read_shared(in, v, defaults);
  });
  if (!value.contains("steps")) in.problem("the workflow has no \"steps\"");
  in.member(value, "steps", [&](const json& v) { read_steps(in, v, defaults, out.steps); });
  in.member(value, "timeout", [&](const json& v) { in.duration(v, out.timeout); });
  in.member(value, "concurrency",
            [&](const json& v) { in.integer(v, 1, 1'000'000, out.concurrency); });
  in.member(value, "result", [&](const json& v) { out.result = v; });
  for (definition_problem& p : check_workflow(out)) in.problems.push_back(std::move(p));
  if (!in.problems.empty()) return std::move(in.problems);
  return out;
}

json to_json(const workflow_definition& definition) {
  json out{{"name", definition.name}, {"steps", json::array()}};
  if (!definition.description.empty()) out["description"] = definition.description;
  if (definition.checks_input) {
    out["params"] = json::object();
    for (const param_definition& param : definition.params)
      out["params"][param.name] = to_json(param);
  }
  for (const step_definition& step : definition.steps) out["steps"].push_back(to_json(step));
  if (definition.timeout.count() > 0) out["timeout"] = format_duration(definition.timeout);
  if (definition.concurrency > 0) out["concurrency"] = definition.concurrency;
  if (definition.result) out["result"] = *definition.result;
  return out;
}

std::string_view to_string(param_type type) noexcept {
  return param_type_names[static_cast<std::size_t>(type)];
}
std::string_view to_string(run_rule rule) noexcept {
  return run_rule_names[static_cast<std::size_t>(rule)];
}

}  // namespace cascade
