// Text to expression_code: recursive descent, one token ahead.
#include <algorithm>

#include "state/expression_code.hpp"
#include "state/expression_lexer.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"
#include "state/suggest.hpp"

namespace cascade {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> variable_names{"input", "steps", "item", "index", "job"};
constexpr std::array<std::string_view, 3> field_names{"result", "status", "error"};

class parser {
public:
  parser(std::string_view text, expression_names names, expression_code& out)
      : lexer_(text), names_(names), out_(out) {
    current_ = lexer_.next();
  }

  void run() {
    out_.root = conditional();
    if (current_.kind != token_kind::end)
      fail_at(current_.offset, "unexpected " + described(current_));
  }

private:
  struct nesting {
    parser& p;
    explicit nesting(parser& owner) : p(owner) {
      if (++p.depth_ > expression_depth_max)
        fail_at(p.current_.offset, "the expression is nested too deeply");
    }
    ~nesting() { --p.depth_; }
  };

  static std::string described(const token& t) {
    return t.kind == token_kind::end ? std::string("end of the expression")
                                     : "'" + std::string(t.text) + "'";
  }
  bool is_symbol(std::string_view s) const {
    return current_.kind == token_kind::symbol && current_.text == s;
  }
  bool is_word(std::string_view s) const {
    return current_.kind == token_kind::name && current_.text == s;
  }
  token take() {
    token t = std::move(current_);
    current_ = lexer_.next();
    return t;
  }
  bool accept(std::string_view s) {
    if (!is_symbol(s)) return false;
    take();
    return true;
  }
  void expect(std::string_view s) {
    if (!accept(s))
      fail_at(current_.offset, "expected '" + std::string(s) + "', found " + described(current_));
  }

  node_index add(expression_node node) {
    int depth = 1;
    for (const node_index kid : node.kids) depth = std::max(depth, out_.nodes[kid].depth + 1);
    if (depth > expression_depth_max * 2)
      fail_at(node.offset, "the expression is nested too deeply");
    node.depth = static_cast<std::uint16_t>(depth);
    out_.nodes.push_back(std::move(node));
    return static_cast<node_index>(out_.nodes.size() - 1);
  }
  node_index add(node_kind kind, std::size_t offset, std::vector<node_index> kids,
                 std::string text = {}) {
    expression_node node;
    node.kind = kind;
    node.offset = static_cast<std::uint32_t>(offset);
    node.kids = std::move(kids);
    node.text = std::move(text);
    return add(std::move(node));
  }
  node_index literal(const token& t, json value) {
    expression_node node;
    node.offset = static_cast<std::uint32_t>(t.offset);
    node.value = std::move(value);
    return add(std::move(node));
  }

  node_index conditional() {
    const nesting guard(*this);
    const node_index condition = binary(0);
    if (!is_symbol("?")) return condition;
    const std::size_t offset = take().offset;
    const node_index yes = conditional();
    expect(":");
    const node_index no = conditional();
    return add(node_kind::conditional, offset, {condition, yes, no});
  }

  const operator_info* operator_here(int level) const {
    if (current_.kind != token_kind::symbol && !is_word("in")) return nullptr;
    for (const operator_info& o : operators)
      if (o.level == level && o.text == current_.text) return &o;
    return nullptr;
  }

  node_index binary(int level) {
    if (level == operator_info::unary_level) return unary();
    node_index left = binary(level + 1);
    while (const operator_info* o = operator_here(level)) {
      const std::size_t offset = take().offset;
      left = add(o->kind, offset, {left, binary(level + 1)});
      if (level == operator_info::comparison_level && operator_here(level))
        fail_at(current_.offset, "comparisons cannot be chained; join them with &&");
    }
    return left;
  }

  node_index unary() {
    if (!is_symbol("!") && !is_symbol("-")) return postfix();
    const nesting guard(*this);
    const token t = take();
    return add(t.text == "!" ? node_kind::logical_not : node_kind::negate, t.offset, {unary()});
  }

  node_index postfix() {
    node_index base = primary();
    while (true) {
      if (is_symbol(".")) {
        take();
        if (current_.kind != token_kind::name)
          fail_at(current_.offset, "expected a name after '.'");
        const token name = take();
        base = is_symbol("(") ? call(name, base)
                              : add(node_kind::field, name.offset, {base}, std::string(name.text));
      } else if (is_symbol("[")) {
        const std::size_t offset = take().offset;
        const node_index key = conditional();
        expect("]");
        base = add(node_kind::index, offset, {base, key});
      } else {
        return base;
      }
    }
  }

  node_index primary() {
    if (current_.kind == token_kind::number || current_.kind == token_kind::string) {
      token t = take();
      json value = std::move(t.value);
      return literal(t, std::move(value));
    }
    if (accept("(")) {
      const node_index inside = conditional();
      expect(")");
      return inside;
    }
    if (is_symbol("[")) return list();
    if (is_symbol("{")) return map();
    if (current_.kind != token_kind::name)
      fail_at(current_.offset, "expected a value, found " + described(current_));
    const token name = take();
    if (name.text == "true" || name.text == "false") return literal(name, name.text == "true");
    if (name.text == "null") return literal(name, nullptr);
    if (is_symbol("(")) return call(name, std::nullopt);
    if (name.text == "steps") return step(name);
    return variable(name);
  }

  node_index variable(const token& name) {
    const bool for_items = name.text == "item" || name.text == "index";
    if (for_items && !names_.item)
      fail_at(name.offset,
              "'" + std::string(name.text) + "' exists only in the input of a step with for_each");
    if (!for_items && name.text != "input" && name.text != "job") {
      std::string message = "unknown name '" + std::string(name.text) + "'";
      if (const std::string hint = suggestion(name.text, variable_names); !hint.empty())
        message += "; " + hint;
      fail_at(name.offset, message);
    }
    return add(node_kind::variable, name.offset, {}, std::string(name.text));
  }

  // .name or ["name"]: a name that is known without evaluating anything.
  token constant_name(std::string_view what) {
    if (accept(".")) {
      if (current_.kind == token_kind::name) return take();
      fail_at(current_.offset, "expected " + std::string(what) + " after '.'");
    }
    if (accept("[")) {
      if (current_.kind != token_kind::string)
        fail_at(current_.offset,
                "only a quoted name may stand here, so that dependencies are known beforehand");
      token t = take();
      expect("]");
      return t;
    }
    fail_at(current_.offset, "expected " + std::string(what));
  }

  node_index step(const token& start) {
    const token name = constant_name("the name of a step, as in steps.fetch.result");
    const std::string step_name =
        name.kind == token_kind::string ? name.value.get<std::string>() : std::string(name.text);
    if (is_symbol("-"))
      fail_at(current_.offset,
              "a step with '-' in its name is written steps[\"" + step_name + "-...\"]");
    const token field = constant_name(".result, .status or .error of the step");
    const std::string field_name =
        field.kind == token_kind::string ? field.value.get<std::string>() : std::string(field.text);
    const auto at = std::find(field_names.begin(), field_names.end(), field_name);
    if (at == field_names.end())
      fail_at(field.offset, "a step has result, status and error, but no '" + field_name + "'");
    expression_node node;
    node.kind = node_kind::step;
    node.offset = static_cast<std::uint32_t>(start.offset);
    node.text = step_name;
    node.field = static_cast<step_field>(at - field_names.begin());
    out_.reads.push_back({step_name, node.field, name.offset});
    return add(std::move(node));
  }

  node_index list() {
    const std::size_t offset = take().offset;
    std::vector<node_index> kids;
    while (!is_symbol("]")) {
      kids.push_back(conditional());
      if (!accept(",")) break;
    }
    expect("]");
    return add(node_kind::list, offset, std::move(kids));
  }

  node_index map() {
    const std::size_t offset = take().offset;
    std::vector<node_index> kids;
    while (!is_symbol("}")) {
      kids.push_back(conditional());
      expect(":");
      kids.push_back(conditional());
      if (!accept(",")) break;
    }
    expect("}");
    return add(node_kind::map, offset, std::move(kids));
  }

  node_index call(const token& name, std::optional<node_index> receiver) {
    const auto info = std::find_if(functions.begin(), functions.end(),
                                   [&](const function_info& f) { return f.name == name.text; });
    if (info == functions.end()) {
      std::array<std::string_view, functions.size()> known;
      std::transform(functions.begin(), functions.end(), known.begin(),
                     [](const auto& f) { return f.name; });
      std::string message = "unknown function '" + std::string(name.text) + "'";
      if (const std::string hint = suggestion(name.text, known); !hint.empty())
        message += "; " + hint;
      fail_at(name.offset, message);
    }
    expect("(");
    std::vector<node_index> kids;
    if (receiver) kids.push_back(*receiver);
    while (!is_symbol(")")) {
      kids.push_back(conditional());
      if (!accept(",")) break;
    }
    expect(")");
    if (kids.size() != info->argument_count)
      fail_at(name.offset, std::string(name.text) + "() takes " +
                               std::to_string(info->argument_count) +
                               (info->argument_count == 1 ? " argument" : " arguments") + ", not " +
                               std::to_string(kids.size()));
    if (info->id == function_id::has) {
      const node_kind k = out_.nodes[kids[0]].kind;
      if (k != node_kind::field && k != node_kind::index && k != node_kind::step)
        fail_at(name.offset, "has() takes a field, as in has(input.day)");
    }
    expression_node node;
    node.kind = node_kind::call;
    node.function = info->id;
    node.offset = static_cast<std::uint32_t>(name.offset);
    node.kids = std::move(kids);
    return add(std::move(node));
  }

  expression_lexer lexer_;
  expression_names names_;
  expression_code& out_;
  token current_;
  int depth_ = 0;
};

}  // namespace

expected<expression, expression_error> expression::compile(std::string_view text,
                                                           expression_names names) {
  if (text.size() > limits::expression_bytes_max)
    return expression_error{
        "the expression has more than " + std::to_string(limits::expression_bytes_max) + " bytes",
        0};
  auto code = std::make_shared<expression_code>();
  code->text = text;
  if (storable_text(text, text.size() * 3) != text)
    return expression_error{"the expression is not valid UTF-8", 0};
  try {
    parser(code->text, names, *code).run();
  } catch (expression_failure& failure) {
    return std::move(failure.error);
  }
  return expression(std::move(code));
}

const std::vector<step_read>& expression::reads() const noexcept { return code_->reads; }
const std::string& expression::text() const noexcept { return code_->text; }

}  // namespace cascade
