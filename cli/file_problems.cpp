#include "cli/file_problems.hpp"

#include "cli/text.hpp"

namespace cascade {

void print_problems(cli_context& context, const std::vector<workflow_problem>& problems) {
  for (const auto& p : problems) context.err << printable_lines(to_string(p)) << '\n';
}

int report_validity(cli_context& context, const std::vector<workflow_problem>& problems) {
  if (context.json) {
    std::vector<json_row> rows;
    for (const auto& p : problems)
      rows.push_back({{"file", p.file},
                      {"line", p.line},
                      {"column", p.column},
                      {"message", p.message},
                      {"hint", p.hint}});
    print_json(context.out, json_row{{"valid", rows.empty()}, {"problems", rows}});
  } else {
    print_problems(context, problems);
  }
  return problems.empty() ? exit_ok : exit_usage;
}

void refuse_problems(cli_context& context, const std::vector<workflow_problem>& problems) {
  if (problems.empty()) return;
  if (!context.json) print_problems(context, problems);
  std::string all;
  for (const auto& p : problems) all += (all.empty() ? "" : "\n") + to_string(p);
  throw cli_failure(exit_usage, context.json ? all : "nothing was applied",
                    context.json ? "nothing was applied" : "");
}

}  // namespace cascade
