#include "workflow/parse.hpp"

#include <algorithm>
#include <charconv>

#include "workflow/problem_text.hpp"
#include "workflow/yaml_reader.hpp"

namespace cascade {
namespace {

using nlohmann::json;

// Byte in the file that a problem is about.
std::size_t byte_of(const source_text& source, const yaml::document& document,
                    const definition_problem& p) {
  bool exact = false;
  const source_map::entry where = document.where.find(p.path, exact);
  if (exact && p.at_key && where.key != std::string_view::npos) return where.key;
  if (exact && p.offset) return source.byte_in_scalar(where.value, *p.offset);
  return where.value;
}

std::vector<definition_problem> handler_problems(const workflow_definition& definition,
                                                 const handler_predicate& known) {
  std::vector<definition_problem> out;
  if (!known) return out;
  for (std::size_t i = 0; i < definition.steps.size(); ++i) {
    const step_definition& step = definition.steps[i];
    if (!step.command && !known(step.handler))
      out.push_back({{"steps", std::to_string(i), "handler"},
                     false,
                     {},
                     "no handler is called \"" + step.handler + "\"",
                     ""});
  }
  return out;
}

}  // namespace

std::string to_string(const workflow_problem& problem) {
  std::string out = problem.file;
  if (problem.line > 0)
    out += ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column);
  out += ": " + problem.message;
  return problem.hint.empty() ? out : out + "; " + problem.hint;
}

expected<workflow_definition, std::vector<workflow_problem>> parse_workflow(
    std::string_view text, std::string_view filename, const handler_predicate& known_handler) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const source_text source(text);
  std::vector<workflow_problem> problems;
  const auto add = [&](std::size_t byte, std::string message, std::string hint) {
    const text_position at = source.position(byte);
    problems.push_back(
        {std::string(filename), at.line, at.column, std::move(message), std::move(hint)});
  };

  auto document = yaml::read(source);
  if (!document) {
    for (const yaml::problem& p : document.error()) add(p.byte, p.message, "");
    return problems;
  }
  auto definition = read_workflow(document.value().value);
  const std::vector<definition_problem> found =
      definition ? handler_problems(definition.value(), known_handler) : definition.error();
  for (const definition_problem& p : found)
    add(byte_of(source, document.value(), p), problem_text(document.value().value, p), p.hint);
  std::stable_sort(problems.begin(), problems.end(),
                   [](const workflow_problem& a, const workflow_problem& b) {
                     return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                   });
  if (!problems.empty()) return problems;
  return std::move(definition).value();
}

}  // namespace cascade
