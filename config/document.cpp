#include "config/document.hpp"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace cascade {
namespace {

position position_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

constexpr std::size_t members_max = 10'000;  // of one map: looking for duplicates is quadratic

struct refused {
  document_problem problem;
};

// Builds the tree from the parser's events, which come one by one: what is refused is never built.
class tree_builder final : public YAML::EventHandler {
public:
  explicit tree_builder(parsed_document& out) : out_(out) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw refused{{position_of(mark), "only one document is allowed"}};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin(mark, {}, anchor, raw_value::kind::null);
    end();
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw refused{{position_of(mark), "aliases are not allowed; write the value out"}};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    document_node& node = begin(mark, tag, anchor, raw_value::kind::scalar);
    node.plain = tag != "!";
    node.text = text;
    if (node.plain && is_null_word(text)) node.is = raw_value::kind::null;
    end();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor, raw_value::kind::list);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor, raw_value::kind::map);
  }
  void OnMapEnd() override { end(); }

private:
  // Maps get a key and its value in turn.
  document_node& begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       raw_value::kind is) {
    if (anchor != 0)
      throw refused{{position_of(mark), "anchors are not allowed; write the value out"}};
    if (!tag.empty() && tag != "?" && tag != "!")
      throw refused{{position_of(mark), "tags such as " + tag.substr(0, 60) + " are not allowed"}};
    if (open_.size() >= static_cast<std::size_t>(document_depth_max))
      throw refused{{position_of(mark),
                     "nested deeper than " + std::to_string(document_depth_max) + " levels"}};
    open_.emplace_back().is = is;
    open_.back().at = position_of(mark);
    return open_.back();
  }

  void end() {
    document_node node = std::move(open_.back());
    open_.pop_back();
    if (open_.empty()) {
      out_.root = std::move(node);
    } else if (open_.back().is == raw_value::kind::list) {
      open_.back().items.push_back(std::move(node));
    } else {
      add_to_map(open_.back(), std::move(node));
    }
  }

  void add_to_map(document_node& map, document_node node) {
    const bool key_waits = !map.items.empty();  // a map keeps its open key in items
    if (key_waits) {
      map.members.push_back({std::move(map.items.back()), std::move(node)});
      map.items.clear();
      return;
    }
    if (node.is != raw_value::kind::scalar) throw refused{{node.at, "a key must be text"}};
    if (map.members.size() >= members_max)
      throw refused{{node.at, "a map has more than " + std::to_string(members_max) + " entries"}};
    for (const auto& [key, value] : map.members)
      if (key.text == node.text)
        out_.problems.push_back({node.at, "\"" + node.text.substr(0, 100) +
                                              "\" stands here a second time; first in line " +
                                              std::to_string(key.at.line)});
    map.items.push_back(std::move(node));
  }

  parsed_document& out_;
  std::vector<document_node> open_;
  int documents_ = 0;
};

}  // namespace

parsed_document parse_document(std::string_view yaml) {
  parsed_document out;
  if (yaml.size() > document_bytes_max) {
    out.problems.push_back({{}, "the file is larger than " + format_bytes(document_bytes_max)});
    return out;
  }
  try {
    std::istringstream in{std::string(yaml)};
    YAML::Parser parser(in);
    tree_builder builder(out);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const refused& r) {
    out.problems.push_back(r.problem);
  } catch (const YAML::Exception& e) {
    out.problems.push_back({position_of(e.mark), "not valid YAML: " + e.msg});
  }
  return out;
}

nlohmann::json to_json(const document_node& node) {
  switch (node.is) {
    case raw_value::kind::null:
      return nullptr;
    case raw_value::kind::scalar: {
      if (!node.plain) return node.text;
      auto parsed = nlohmann::json::parse(node.text, nullptr, false);
      return parsed.is_number() || parsed.is_boolean() ? parsed : nlohmann::json(node.text);
    }
    case raw_value::kind::list: {
      auto out = nlohmann::json::array();
      for (const auto& item : node.items) out.push_back(to_json(item));
      return out;
    }
    case raw_value::kind::map: {
      auto out = nlohmann::json::object();
      for (const auto& [key, value] : node.members) out[key.text] = to_json(value);
      return out;
    }
  }
  return nullptr;
}

raw_value to_raw(const document_node& node) {
  raw_value out{node.is, node.text, {}, to_json(node)};
  for (const auto& item : node.items)
    out.items.push_back(item.is == raw_value::kind::scalar ? item.text : std::string());
  return out;
}

}  // namespace cascade
