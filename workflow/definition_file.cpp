#include "workflow/definition_file.hpp"

#include <algorithm>

#include "workflow/problem_text.hpp"

namespace cascade {
namespace {

std::string_view without_mark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

}  // namespace

std::string to_string(const workflow_problem& problem) {
  std::string out = problem.file;
  if (problem.line > 0)
    out += ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column);
  out += ": " + problem.message;
  return problem.hint.empty() ? out : out + "; " + problem.hint;
}

definition_file::definition_file(std::string_view text, std::string_view filename)
    : source_(without_mark(text)), filename_(filename) {
  auto read = yaml::read(source_);
  if (read)
    document_ = std::move(read).value();
  else
    for (const yaml::problem& p : read.error()) add(p.byte, p.message, "");
}

void definition_file::add(std::size_t byte, std::string message, std::string hint) {
  const text_position at = source_.position(byte);
  problems_.push_back({filename_, at.line, at.column, std::move(message), std::move(hint)});
}

std::size_t definition_file::byte_of(const definition_problem& p) const {
  bool exact = false;
  const source_map::entry where = document_->where.find(p.path, exact);
  if (exact && p.at_key && where.key != std::string_view::npos) return where.key;
  if (exact && p.offset) return source_.byte_in_scalar(where.value, *p.offset);
  return where.value;
}

std::vector<workflow_problem> definition_file::problems(
    const std::vector<definition_problem>& found) {
  for (const definition_problem& p : found)
    add(byte_of(p), problem_text(document_->value, p), p.hint);
  std::stable_sort(problems_.begin(), problems_.end(),
                   [](const workflow_problem& a, const workflow_problem& b) {
                     return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                   });
  return std::move(problems_);
}

}  // namespace cascade
