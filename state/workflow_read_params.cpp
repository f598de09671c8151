// The "params" of a definition, and the rule of cascade.param_problem in SQL.
#include <algorithm>
#include <cmath>

#include "state/limits.hpp"
#include "state/workflow_reader.hpp"

namespace cascade {
namespace {

using nlohmann::json;
constexpr std::array<std::string_view, 5> param_keys{"type", "required", "default", "enum",
                                                     "description"};

void read_type(definition_reader& in, const json& value, param_definition& out) {
  auto type = static_cast<std::uint8_t>(out.type);
  in.choice(value, param_type_names, type);
  out.type = static_cast<param_type>(type);
}

void check_value(definition_reader& in, const param_definition& param, const json& value) {
  if (auto wrong = param_problem(param, value)) in.problem(std::move(*wrong));
}

void read_allowed(definition_reader& in, const json& value, param_definition& out) {
  if (!value.is_array() || value.empty())
    return in.problem("must be a list with at least one value");
  const param_definition only_type{
      .name = out.name, .type = out.type, .default_value = {}, .allowed = {}, .description = {}};
  for (std::size_t i = 0; i < value.size(); ++i)
    in.in(std::to_string(i), [&] { check_value(in, only_type, value[i]); });
  out.allowed = value.get<std::vector<json>>();
}

void read_param(definition_reader& in, const json& value, param_definition& out) {
  if (value.is_null()) return;
  if (value.is_string()) return read_type(in, value, out);
  if (!value.is_object())
    return in.problem("must be a type or a map of keys and values", "for example day: string");
  in.known_keys(value, "a parameter", param_keys);
  in.member(value, "type", [&](const json& v) { read_type(in, v, out); });
  in.member(value, "required", [&](const json& v) { in.boolean(v, out.required); });
  in.member(value, "description", [&](const json& v) { in.text(v, out.description); });
  in.member(value, "enum", [&](const json& v) { read_allowed(in, v, out); });
  in.member(value, "default", [&](const json& v) {
    check_value(in, out, v);
    out.default_value = v;
    if (out.required && value.contains("required"))
      in.problem("a required parameter has no use for a default");
    out.required = false;
  });
}

// As Postgres prints jsonb: a blank behind each comma and colon.
void print(const json& value, std::string& out) {
  bool first = true;
  if (value.is_array()) {
    out += '[';
    for (const json& item : value) {
      if (!std::exchange(first, false)) out += ", ";
      print(item, out);
    }
    out += ']';
  } else if (value.is_object()) {
    out += '{';
    for (const auto& [key, item] : value.items()) {
      if (!std::exchange(first, false)) out += ", ";
      out += json(key).dump(-1, ' ', false, json::error_handler_t::replace) + ": ";
      print(item, out);
    }
    out += '}';
  } else {
    out += value.dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

std::string printed(const json& value) {
  std::string out;
  print(value, out);
  return out;
}

bool has_type(param_type type, const json& v) {
  switch (type) {
    case param_type::any:
      return true;
    case param_type::string:
      return v.is_string();
    case param_type::integer:
      return v.is_number_integer() ||
             (v.is_number_float() && std::trunc(v.get<double>()) == v.get<double>());
    case param_type::number:
      return v.is_number();
    case param_type::boolean:
      return v.is_boolean();
    case param_type::array:
      return v.is_array();
    case param_type::object:
      return v.is_object();
  }
  return false;
}

}  // namespace

std::optional<std::string> param_problem(const param_definition& param, const json& value) {
  if (!has_type(param.type, value)) {
    // Cut as SQL does, but on a character.
    if (param.type == param_type::integer) {
      std::string text = printed(value);
      std::size_t cut = 0;
      for (int letters = 0; cut < text.size() && letters < 60; ++letters) do
          ++cut;
        while (cut < text.size() && (text[cut] & 0xC0) == 0x80);
      return "must be an integer, not " + text.substr(0, cut);
    }
    return "must be of type " + std::string(to_string(param.type)) + ", not " +
           (value.is_null() ? "null" : value.type_name());
  }
  if (!param.allowed.empty() &&
      std::find(param.allowed.begin(), param.allowed.end(), value) == param.allowed.end())
    return "must be one of " + printed(json(param.allowed));
  return std::nullopt;
}

void read_params(definition_reader& in, const json& value, std::vector<param_definition>& out) {
  if (!in.is_object(value)) return;
  if (value.size() > params_max)
    return in.problem("there are more than " + std::to_string(params_max) + " parameters");
  for (const auto& [key, spec] : value.items())
    in.in(key, [&, &key = key, &spec = spec] {
      if (key.empty() || key.size() > limits::name_bytes_max)
        return in.problem("the name of a parameter has 1 to " +
                          std::to_string(limits::name_bytes_max) + " bytes");
      param_definition param;
      param.name = key;
      read_param(in, spec, param);
      out.push_back(std::move(param));
    });
}

}  // namespace cascade
