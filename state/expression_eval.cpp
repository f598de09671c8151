// Walks compiled expressions. Values are borrowed from the scope until something new must be made
// of them.
#include "state/expression_code.hpp"

namespace cascade {
namespace {

using nlohmann::json;

class evaluator {
public:
  evaluator(const expression_code& code, const expression_scope& scope, std::size_t& work)
      : code_(code), scope_(scope), work_{work} {}

  json run() { return taken(eval(code_.root), code_.nodes[code_.root].offset); }

private:
  const expression_node& node(node_index i) const { return code_.nodes[i]; }

  // The value itself, copied only when it is somebody else's.
  json taken(expression_value v, std::size_t offset) {
    if (v.is_own()) return std::move(v.own());
    work_.charge(offset, json_weight(v.get(), work_.left + 1));
    return v.get();
  }

  expression_value eval(node_index i) {
    const expression_node& n = node(i);
    switch (n.kind) {
      case node_kind::literal:
        return expression_value(&n.value);
      case node_kind::variable:
        return variable(n);
      case node_kind::step:
        return step(n);
      case node_kind::field:
      case node_kind::index:
        return *access(n, true);
      case node_kind::list:
        return list(n);
      case node_kind::map:
        return map(n);
      case node_kind::negate:
        return expression_value(negated(eval(n.kids[0]).get(), n.offset));
      case node_kind::logical_not:
        return expression_value(json(!truth(n.kids[0])));
      case node_kind::conditional:
        return eval(truth(n.kids[0]) ? n.kids[1] : n.kids[2]);
      case node_kind::logical_and:
        return expression_value(json(truth(n.kids[0]) && truth(n.kids[1])));
      case node_kind::logical_or:
        return expression_value(json(truth(n.kids[0]) || truth(n.kids[1])));
      case node_kind::call:
        return call(n);
      default:
        return binary(n);
    }
  }

  bool truth(node_index i) {
    const expression_value v = eval(i);
    if (!v.get().is_boolean())
      fail_at(node(i).offset, "expected true or false, found " + shown(v.get()));
    return v.get().get<bool>();
  }

  expression_value variable(const expression_node& n) {
    const json* found = scope_.variable(n.text);
    if (!found) fail_at(n.offset, "'" + n.text + "' is not available here");
    return expression_value(found);
  }

  expression_value step(const expression_node& n) {
    const json* found = scope_.step(n.text, n.field);
    if (!found) fail_at(n.offset, "step \"" + n.text + "\" is not available here");
    return expression_value(found);
  }

  expression_value binary(const expression_node& n) {
    expression_value left = eval(n.kids[0]);
    expression_value right = eval(n.kids[1]);
    return expression_value(apply_binary(n.kind, left, right, n.offset, work_));
  }

  expression_value list(const expression_node& n) {
    json out = json::array();
    work_.charge(n.offset, 16 + 16 * n.kids.size());
    for (const node_index kid : n.kids) out.push_back(taken(eval(kid), n.offset));
    return expression_value(std::move(out));
  }

  expression_value map(const expression_node& n) {
    json out = json::object();
    for (std::size_t i = 0; i < n.kids.size(); i += 2) {
      const expression_value key = eval(n.kids[i]);
      if (!key.get().is_string())
        fail_at(node(n.kids[i]).offset,
                "the key of a map must be a string, not " + shown(key.get()));
      const std::string& text = key.get().get_ref<const std::string&>();
      work_.charge(n.offset, 48 + text.size());
      out[text] = taken(eval(n.kids[i + 1]), n.offset);
    }
    return expression_value(std::move(out));
  }

  expression_value call(const expression_node& n) {
    if (n.function == function_id::has) return expression_value(json(has(n.kids[0])));
    std::vector<expression_value> arguments;
    arguments.reserve(n.kids.size());
    for (const node_index kid : n.kids) arguments.push_back(eval(kid));
    return expression_value(apply_function(n.function, arguments, n.offset, work_));
  }

  // Present and not null; a missing parent is no error.
  bool has(node_index i) {
    const auto found = probe(i);
    return found && !found->get().is_null();
  }
  std::optional<expression_value> probe(node_index i) {
    const expression_node& n = node(i);
    if (n.kind == node_kind::field || n.kind == node_kind::index) return access(n, false);
    return eval(i);
  }

  static expression_value part(expression_value& base, const json& inside) {
    if (!base.is_own()) return expression_value(&inside);
    json moved = std::move(const_cast<json&>(inside));  // a part of base.own(), which is given up
    return expression_value(std::move(moved));
  }

  // base.name, base["name"], base[0]. Not `needed`: nothing when it is not there.
  std::optional<expression_value> access(const expression_node& n, bool needed) {
    std::optional<expression_value> base = needed ? eval(n.kids[0]) : probe(n.kids[0]);
    if (!base) return std::nullopt;
    if (n.kind == node_kind::field) return member(n, *base, n.text, needed);
    const expression_value key = eval(n.kids[1]);
    if (key.get().is_string())
      return member(n, *base, key.get().get_ref<const std::string&>(), needed);
    return element(n, *base, key.get(), needed);
  }

  static std::optional<expression_value> member(const expression_node& n, expression_value& base,
                                                const std::string& name, bool needed) {
    const json& value = base.get();
    if (value.is_object()) {
      if (const auto found = value.find(name); found != value.end()) return part(base, *found);
    }
    if (!needed) return std::nullopt;
    if (!value.is_object()) fail_at(n.offset, shown(value) + " has no field \"" + name + "\"");
    std::string message = "there is no field \"" + name + "\"";
    int listed = 0;
    for (const auto& [key, unused] : value.items()) {
      message += listed == 0 ? "; there are: " : ", ";
      if (++listed > 8) {
        message += "...";
        break;
      }
      message += shown(json(key));
    }
    fail_at(n.offset, message);
  }

  static std::optional<expression_value> element(const expression_node& n, expression_value& base,
                                                 const json& key, bool needed) {
    const json& value = base.get();
    if (value.is_array() && key.is_number_integer()) {
      const std::int64_t at = key.get<std::int64_t>();
      if (at >= 0 && static_cast<std::size_t>(at) < value.size())
        return part(base, value[static_cast<std::size_t>(at)]);
      if (!needed) return std::nullopt;
      fail_at(n.offset,
              "index " + shown(key) + " is not in a list of " + std::to_string(value.size()));
    }
    if (!needed && (value.is_array() || value.is_object() || value.is_null())) return std::nullopt;
    if (value.is_array())
      fail_at(n.offset, "a list has whole numbers as indexes, not " + shown(key));
    fail_at(n.offset, shown(value) + " has no index " + shown(key));
  }

  const expression_code& code_;
  const expression_scope& scope_;
  work_meter work_;
};

}  // namespace

std::size_t json_weight(const json& value, std::size_t enough) {
  std::size_t weight = 16;
  if (value.is_string()) return weight + value.get_ref<const std::string&>().size();
  if (value.is_array()) {
    for (const json& item : value) {
      if (weight > enough) break;
      weight += json_weight(item, enough - weight);
    }
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.get_ref<const json::object_t&>()) {
      if (weight > enough) break;
      weight += 32 + key.size();
      weight += json_weight(item, weight > enough ? 0 : enough - weight);
    }
  }
  return weight;
}

expected<json, expression_error> expression::evaluate(const expression_scope& scope) const {
  std::size_t work = evaluation_work_max;
  return evaluate(scope, work);
}

expected<json, expression_error> expression::evaluate(const expression_scope& scope,
                                                      std::size_t& work) const {
  try {
    return evaluator(*code_, scope, work).run();
  } catch (expression_failure& failure) {
    return std::move(failure.error);
  }
}

}  // namespace cascade
