#include "state/json_template.hpp"

#include "state/expression_code.hpp"
#include "state/expression_lexer.hpp"
#include "state/limits.hpp"

namespace cascade {

using nlohmann::json;

// Exactly one of: constant, one expression with its type, pieces of a text, children.
struct template_node {
  enum class kind { constant, value, text, list, map };
  struct piece {
    std::string text;                // before the expression
    std::optional<expression> code;  // none in the last piece
    std::size_t offset = 0;          // of the expression in the string
  };

  kind what = kind::constant;
  json constant;
  std::vector<piece> pieces;  // value: one piece, no text
  std::vector<std::shared_ptr<const template_node>> children;
  std::vector<std::string> keys;  // of the children of a map
};

namespace {

using node_ptr = std::shared_ptr<const template_node>;

class compiler {
public:
  compiler(expression_names names, std::vector<json_template::read>& reads)
      : names_(names), reads_(reads) {}

  // Nothing on failure, told in `error`.
  node_ptr run(const json& value) {
    try {
      return compile(value);
    } catch (const stop&) {
      return nullptr;
    }
  }

  template_error error;

private:
  struct stop {};

  node_ptr compile(const json& value) {
    if (path_.size() > static_cast<std::size_t>(limits::json_depth_max))
      fail(0, "the value is nested too deeply");
    if (value.is_string()) return string(value.get_ref<const std::string&>());
    if (value.is_array()) return list(value);
    if (value.is_object()) return map(value);
    return constant(value);
  }

  [[noreturn]] void fail(std::size_t offset, std::string message) {
    error = {path_, std::move(message), offset};
    throw stop{};
  }

  static node_ptr constant(json value) {
    auto node = std::make_shared<template_node>();
    node->constant = std::move(value);
    return node;
  }

  node_ptr list(const json& value) {
    auto node = std::make_shared<template_node>();
    node->what = template_node::kind::list;
    bool all_constant = true;
    for (std::size_t i = 0; i < value.size(); ++i) {
      path_.push_back(std::to_string(i));
      node->children.push_back(compile(value[i]));
      path_.pop_back();
      all_constant &= node->children.back()->what == template_node::kind::constant;
    }
    return all_constant ? folded(*node) : node;
  }

  node_ptr map(const json& value) {
    auto node = std::make_shared<template_node>();
    node->what = template_node::kind::map;
    bool all_constant = true;
    for (const auto& [key, item] : value.items()) {
      path_.push_back(key);
      node->children.push_back(compile(item));
      path_.pop_back();
      node->keys.push_back(key);
      all_constant &= node->children.back()->what == template_node::kind::constant;
    }
    return all_constant ? folded(*node) : node;
  }

  static node_ptr folded(const template_node& node) {
    json out = node.what == template_node::kind::list ? json::array() : json::object();
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      if (node.what == template_node::kind::list) {
        out.push_back(node.children[i]->constant);
      } else {
        out[node.keys[i]] = node.children[i]->constant;
      }
    }
    return constant(std::move(out));
  }

  node_ptr string(const std::string& text) {
    auto node = std::make_shared<template_node>();
    node->what = template_node::kind::text;
    template_node::piece piece;
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t dollar = text.find('$', at);
      if (dollar == text.npos) break;
      piece.text.append(text, at, dollar - at);
      if (text.compare(dollar, 3, "$${") == 0) {
        piece.text += "${";
        at = dollar + 3;
      } else if (text.compare(dollar, 2, "${") == 0) {
        at = take_expression(text, dollar + 2, piece);
        node->pieces.push_back(std::move(piece));
        piece = {};
      } else {
        piece.text += '$';
        at = dollar + 1;
      }
    }
    if (at < text.size()) piece.text.append(text, at);
    if (node->pieces.empty()) return constant(std::move(piece.text));
    if (node->pieces.size() == 1 && node->pieces[0].text.empty() && piece.text.empty()) {
      node->what = template_node::kind::value;
    } else {
      node->pieces.push_back(std::move(piece));
    }
    return node;
  }

  std::size_t take_expression(const std::string& text, std::size_t from,
                              template_node::piece& piece) {
    const std::size_t end = template_end(text, from);
    if (end == text.npos) fail(from - 2, "this ${ is not closed");
    auto code = expression::compile(std::string_view(text).substr(from, end - from), names_);
    if (!code) fail(from + code.error().offset, code.error().message);
    for (const step_read& r : code.value().reads())
      reads_.push_back({{r.step, r.field, from + r.offset}, path_});
    piece.code = std::move(code).value();
    piece.offset = from;
    return end + 1;
  }

  expression_names names_;
  std::vector<json_template::read>& reads_;
  std::vector<std::string> path_;
};

class filler {
public:
  filler(const expression_scope& scope, std::size_t& work) : scope_(scope), work_(work) {}

  // False on failure, told in `error`; the path is collected on the way out, innermost first.
  bool fill(const template_node& node, json& out) {
    switch (node.what) {
      case template_node::kind::constant:
        return charge(json_weight(node.constant, work_ + 1)) && (out = node.constant, true);
      case template_node::kind::value:
        return evaluate(node.pieces[0], out);
      case template_node::kind::text:
        return text(node, out);
      case template_node::kind::list:
        out = json::array();
        for (std::size_t i = 0; i < node.children.size(); ++i) {
          out.push_back(nullptr);
          if (!fill(*node.children[i], out.back())) return outside(std::to_string(i));
        }
        return charge(16 * (node.children.size() + 1));
      case template_node::kind::map:
        out = json::object();
        for (std::size_t i = 0; i < node.children.size(); ++i)
          if (!fill(*node.children[i], out[node.keys[i]])) return outside(node.keys[i]);
        return charge(48 * (node.children.size() + 1));
    }
    return false;
  }

  template_error error;

private:
  bool outside(std::string key) {
    error.path.insert(error.path.begin(), std::move(key));
    return false;
  }

  bool charge(std::size_t n) {
    if (n > work_) {
      work_ = 0;
      error = {{}, "the values of this template are too large", 0};
      return false;
    }
    work_ -= n;
    return true;
  }

  bool evaluate(const template_node::piece& piece, json& out) {
    auto value = piece.code->evaluate(scope_, work_);
    if (value) {
      out = std::move(value).value();
      return true;
    }
    error = {{}, std::move(value.error().message), piece.offset + value.error().offset};
    return false;
  }

  bool text(const template_node& node, json& out) {
    std::string joined;
    for (const template_node::piece& piece : node.pieces) {
      joined += piece.text;
      if (!piece.code) continue;
      json value;
      if (!evaluate(piece, value)) return false;
      if (value.is_string()) {
        joined += value.get_ref<const std::string&>();
      } else {
        joined += value.dump(-1, ' ', false, json::error_handler_t::replace);
      }
    }
    const std::size_t size = joined.size();
    out = std::move(joined);
    return charge(16 + size);
  }

  const expression_scope& scope_;
  std::size_t& work_;
};

}  // namespace

expected<json_template, template_error> json_template::compile(const json& value,
                                                               expression_names names) {
  auto reads = std::make_shared<std::vector<read>>();
  compiler c(names, *reads);
  json_template out;
  out.root_ = c.run(value);
  if (!out.root_) return std::move(c.error);
  out.reads_ = std::move(reads);
  return out;
}

expected<json, template_error> json_template::evaluate(const expression_scope& scope) const {
  std::size_t work = evaluation_work_max;
  return evaluate(scope, work);
}

expected<json, template_error> json_template::evaluate(const expression_scope& scope,
                                                       std::size_t& work) const {
  filler f(scope, work);
  json out;
  if (!f.fill(*root_, out)) return std::move(f.error);
  return out;
}

}  // namespace cascade
