#include "workflow/parse.hpp"

#include "workflow/definition_file.hpp"

namespace cascade {
namespace {

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

expected<workflow_definition, std::vector<workflow_problem>> parse_workflow(
    std::string_view text, std::string_view filename, const handler_predicate& known_handler) {
  definition_file file(text, filename);
  if (!file.document()) return file.problems({});
  auto definition = read_workflow(file.document()->value);
  auto problems = file.problems(definition ? handler_problems(definition.value(), known_handler)
                                           : definition.error());
  if (!problems.empty()) return problems;
  return std::move(definition).value();
}

}  // namespace cascade
