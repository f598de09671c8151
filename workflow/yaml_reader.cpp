#include "workflow/yaml_reader.hpp"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "state/json_check.hpp"
#include "workflow/yaml_builder.hpp"

namespace cascade::yaml {
namespace {

using nlohmann::json;

bool looks_like_json(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != text.npos && (text[first] == '{' || text[first] == '[');
}

// yaml-cpp refuses \ud83d\ude00, which JSON needs for characters beyond the first plane. Only
// positions are taken from what is read here, so any harmless escape of the same length will do.
std::string without_surrogates(std::string_view json_text) {
  std::string out(json_text);
  bool in_string = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == '"') in_string = !in_string;
    if (!in_string || out[i] != '\\') continue;
    if (i + 5 < out.size() && out[i + 1] == 'u' && (out[i + 2] == 'd' || out[i + 2] == 'D') &&
        out[i + 3] >= '8')
      out.replace(i + 2, 4, "0020");
    ++i;
  }
  return out;
}

std::optional<problem> text_problem(const source_text& source, std::size_t bytes_max) {
  const std::string_view text = source.text();
  if (text.size() > bytes_max)
    return problem{0, "the file has " + std::to_string(text.size()) +
                          " bytes, more than the limit of " + std::to_string(bytes_max)};
  const std::string clean = storable_text(text, text.size() * 3);
  if (clean == text) return std::nullopt;
  std::size_t at = 0;
  while (at < text.size() && clean[at] == text[at]) ++at;
  // What is broken may begin like the U+FFFD that stands for it: back to where that begins.
  while (at > 0 && (clean[at] & 0xC0) == 0x80) --at;
  return problem{at,
                 text[at] == '\0' ? "a NUL character cannot be stored" : "this is not valid UTF-8"};
}

// Values and places by YAML's rules; true when it went to the end.
bool read_yaml(const source_text& source, const std::string& text, document& out,
               std::vector<problem>& problems) {
  builder events(source, out, problems);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(events)) {
    }
    if (events.documents() > 0) return true;
    problems.push_back({0, "the file is empty"});
  } catch (const stop&) {
  } catch (const YAML::Exception& e) {
    problems.push_back({source.byte_at(e.mark.line, e.mark.column), e.msg});
  }
  return false;
}

// Nothing when the text is not JSON. Values are JSON's own; YAML's reader only finds their places.
std::optional<document> read_json(const source_text& source, std::vector<problem>& problems) {
  std::string_view text = source.text();
  if (json_storage_problem(text, text.size())) return std::nullopt;
  document out;
  std::vector<problem> found;
  read_yaml(source, without_surrogates(text), out, found);
  for (problem& p : found)
    if (!p.ends_reading) problems.push_back(std::move(p));
  out.value = json::parse(text);
  return out;
}

}  // namespace

expected<document, std::vector<problem>> read(const source_text& source,
                                              std::size_t text_bytes_max) {
  std::vector<problem> problems;
  if (auto p = text_problem(source, text_bytes_max)) return std::vector<problem>{std::move(*p)};
  if (looks_like_json(source.text())) {
    if (auto out = read_json(source, problems)) {
      if (!problems.empty()) return problems;
      return std::move(*out);
    }
  }
  document out;
  if (!read_yaml(source, std::string(source.text()), out, problems) || !problems.empty())
    return problems;
  return out;
}

}  // namespace cascade::yaml
