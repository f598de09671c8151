#include "workflow/problem_text.hpp"

#include <charconv>

namespace cascade {
namespace {

std::string step_label(const nlohmann::json& definition, const std::string& index) {
  std::size_t at = 0;
  std::from_chars(index.data(), index.data() + index.size(), at);
  const auto steps = definition.find("steps");
  if (steps != definition.end() && steps->is_array() && at < steps->size()) {
    const auto& step = (*steps)[at];
    if (step.is_object() && step.contains("name") && step["name"].is_string())
      return "step \"" + step["name"].get<std::string>() + "\"";
  }
  return "step number " + std::to_string(at + 1);
}

}  // namespace

std::string problem_text(const nlohmann::json& definition, const definition_problem& problem) {
  const auto& path = problem.path;
  std::string out;
  std::size_t at = 0;
  if (path.size() >= 2 && path[0] == "steps" && definition.is_object()) {
    out = step_label(definition, path[1]) + ": ";
    at = 2;
  } else if (path.size() - (problem.at_key ? 1 : 0) >= 2 && path[0] == "schedules") {
    out = "schedule \"" + path[1] + "\": ";
    at = 2;
  }
  std::string keys;
  const std::size_t end = path.size() - (problem.at_key && path.size() > at ? 1 : 0);
  for (; at < end; ++at) keys += (keys.empty() ? "" : ".") + path[at];
  if (!keys.empty()) out += keys + ": ";
  return out + problem.message;
}

}  // namespace cascade
