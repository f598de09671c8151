#include "workflow/graph.hpp"

#include <unordered_map>

namespace cascade {
namespace {

using indexes = std::unordered_map<std::string_view, std::size_t>;

indexes index_of(const workflow_definition& definition) {
  indexes out;
  for (std::size_t i = 0; i < definition.steps.size(); ++i)
    out.emplace(definition.steps[i].name, i);
  return out;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// Mermaid reads #name; and #number; in labels; everything it could take for syntax becomes one.
std::string mermaid_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == ' ' || c == '_' || c == '-' || c == '.' || c == '/' ||
                       static_cast<unsigned char>(c) >= 0x80;
    if (is_control(c)) {
      out += ' ';
    } else if (plain) {
      out += c;
    } else {
      out += "#" + std::to_string(static_cast<int>(c)) + ";";
    }
  }
  return out;
}

std::string dot_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += is_control(c) ? ' ' : c;
  }
  return out;
}

std::string rule_label(const step_definition& step) {
  return step.run == run_rule::all_success ? std::string() : std::string(to_string(step.run));
}

}  // namespace

std::string to_mermaid(const workflow_definition& definition) {
  std::string out = "flowchart TD\n";
  const indexes index = index_of(definition);
  for (std::size_t i = 0; i < definition.steps.size(); ++i) {
    const step_definition& step = definition.steps[i];
    const bool each = step.for_each.has_value();
    const std::string_view open = each ? "[[" : step.when ? "[/" : "[";
    const std::string_view close = each ? "]]" : step.when ? "/]" : "]";
    std::string label = mermaid_text(step.name) + "<br/>" + mermaid_text(step.handler);
    if (step.when) label += "<br/>when " + mermaid_text(*step.when);
    if (each) label += "<br/>for each of " + mermaid_text(*step.for_each);
    out += "  s" + std::to_string(i);
    (out += open) += "\"" + label + "\"";
    (out += close) += "\n";
  }
  for (std::size_t i = 0; i < definition.steps.size(); ++i)
    for (const std::string& needed : definition.steps[i].depends_on) {
      const auto from = index.find(needed);
      if (from == index.end()) continue;
      const std::string label = rule_label(definition.steps[i]);
      out += "  s" + std::to_string(from->second) + " -->" +
             (label.empty() ? "" : "|" + label + "|") + " s" + std::to_string(i) + "\n";
    }
  return out;
}

std::string to_dot(const workflow_definition& definition) {
  std::string out = "digraph \"" + dot_text(definition.name) + "\" {\n  node [shape=box];\n";
  const indexes index = index_of(definition);
  for (std::size_t i = 0; i < definition.steps.size(); ++i) {
    const step_definition& step = definition.steps[i];
    std::string label = dot_text(step.name) + "\\n" + dot_text(step.handler);
    if (step.when) label += "\\nwhen " + dot_text(*step.when);
    if (step.for_each) label += "\\nfor each of " + dot_text(*step.for_each);
    out += "  s" + std::to_string(i) + " [label=\"" + label + "\"";
    if (step.for_each) out += ", peripheries=2";
    if (step.when) out += ", style=dashed";
    out += "];\n";
  }
  for (std::size_t i = 0; i < definition.steps.size(); ++i)
    for (const std::string& needed : definition.steps[i].depends_on) {
      const auto from = index.find(needed);
      if (from == index.end()) continue;
      const std::string label = rule_label(definition.steps[i]);
      out += "  s" + std::to_string(from->second) + " -> s" + std::to_string(i);
      if (!label.empty()) out += " [label=\"" + label + "\"]";
      out += ";\n";
    }
  return out + "}\n";
}

}  // namespace cascade
