// Random expressions: soup must never crash, and what is built by rules must mean what the rules
// say.
#include "state/expression.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "state/json_template.hpp"
#include "workflow/parse.hpp"

namespace cascade {
namespace {

using nlohmann::json;

struct small_scope final : expression_scope {
  json input = json::parse(
      R"({"a": 1, "b": {"c": [1, 2, {"d": "x"}]}, "s": "text", "f": 2.5, "n": null, "t": true})");
  json job = {{"id", 1}};
  json result = {{"rows", 3}};
  json status = "completed";

  const json* variable(std::string_view name) const override {
    return name == "input"                     ? &input
           : name == "job"                     ? &job
           : name == "item" || name == "index" ? &result
                                               : nullptr;
  }
  const json* step(std::string_view, step_field field) const override {
    return field == step_field::status ? &status : &result;
  }
};

std::string soup(std::size_t tokens_max) {
  const auto tokens = rc::gen::element<std::string>(
      "input", "steps", "item", "index", "job", ".", ".a", ".b", ".c", "[", "]", "(", ")", "{", "}",
      ",", ":", "?", "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "!",
      "in", "true", "false", "null", "0", "1", "-1", "2.5", "1e9", "9223372036854775807", "'x'",
      "\"k\"", "''", "'\\u00e9'", "size", "has", "string", "int", "double", "startsWith",
      "endsWith", "contains", "range", ".size()", "steps.x.result", "steps['y'].status", " ", "$",
      "${", "'", "\"", "\\", "\n");
  std::string out;
  for (const std::string& t : *rc::gen::container<std::vector<std::string>>(tokens)) {
    if (out.size() > tokens_max * 8) break;
    out += t + " ";
  }
  return out;
}

void must_stand(const std::string& text) {
  const auto code = expression::compile(text, {.item = true});
  if (!code) {
    RC_ASSERT(code.error().offset <= text.size());
    RC_ASSERT(!code.error().message.empty());
    return;
  }
  const auto value = code.value().evaluate(small_scope{});
  if (value) {
    value.value().dump();
  } else {
    RC_ASSERT(value.error().offset <= text.size());
  }
}

RC_GTEST_PROP(expression_property, token_soup_never_crashes, ()) { must_stand(soup(40)); }

RC_GTEST_PROP(expression_property, byte_soup_never_crashes, (const std::string& text)) {
  must_stand(text);
}

RC_GTEST_PROP(expression_property, template_soup_never_crashes, ()) {
  const json value = {
      {"k", json::array({soup(10), "${" + soup(10) + "}", "a ${" + soup(5) + "} b"})}};
  const auto t = json_template::compile(value, {.item = true});
  if (t) RC_ASSERT(t.value().evaluate(small_scope{}).has_value() || true);
}

RC_GTEST_PROP(expression_property, files_of_soup_never_crash, (const std::string& bytes)) {
  const auto piece =
      rc::gen::element<std::string>("name", ":", " ", "\n", "- ", "  ", "steps", "[", "]", "{", "}",
                                    "'", "\"", "|", ">", "&a ", "*a", "!x ", "#", "handler", "when",
                                    "\\u", "input.x", "${", "}", ",", "~", "---", "?", "1", "\t");
  std::string text = "name: w\nsteps:\n";
  for (const std::string& p : *rc::gen::container<std::vector<std::string>>(piece)) text += p;
  parse_workflow(text, "f").has_value();
  parse_workflow(bytes, "f").has_value();
  parse_workflow("{\"name\": \"" + bytes + "\"}", "f").has_value();
}

// An expression of whole numbers with its value; fully in parentheses, or with just enough of them.
struct built {
  std::string text;
  std::int64_t value = 0;
  int level = 9;  // 3: sum, 4: product, 9: atom
};

built draw(int depth) {
  const int kind = depth == 0 ? 0 : *rc::gen::inRange(0, 6);
  if (kind == 0) {
    const auto n = *rc::gen::inRange<std::int64_t>(0, 50);
    return {std::to_string(n), n, 9};
  }
  const built a = draw(depth - 1), b = draw(depth - 1);
  const auto wrap = [](const built& x, int level) {
    return x.level >= level ? x.text : "(" + x.text + ")";
  };
  switch (kind) {
    case 1:
      return {wrap(a, 3) + "+" + wrap(b, 4), a.value + b.value, 3};
    case 2:
      return {wrap(a, 3) + " - " + wrap(b, 4), a.value - b.value, 3};
    case 3:
      return {wrap(a, 4) + "*" + wrap(b, 9), a.value * b.value, 4};
    case 4:
      return {"(" + a.text + " < " + b.text + " ? " + a.text + " : " + b.text + ")",
              std::min(a.value, b.value), 9};
    default:
      return {"-" + wrap(a, 9), -a.value, 5};
  }
}

RC_GTEST_PROP(expression_property, arithmetic_means_what_it_says, ()) {
  const built b = draw(4);
  const auto code = expression::compile(b.text);
  RC_ASSERT(code.has_value());
  const auto value = code.value().evaluate(small_scope{});
  RC_ASSERT(value.has_value());
  RC_ASSERT(value.value() == b.value);
}

RC_GTEST_PROP(expression_property, a_json_value_is_an_expression_for_itself, ()) {
  const std::function<json(int)> value = [&](int depth) -> json {
    switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
      case 0:
        return nullptr;
      case 1:
        return *rc::gen::arbitrary<bool>();
      case 2:
        return *rc::gen::arbitrary<std::int32_t>();
      case 3:
        return *rc::gen::arbitrary<std::int16_t>() / 8.0;
      case 4:
        return *rc::gen::string<std::string>();
      case 5: {
        json out = json::array();
        for (int n = *rc::gen::inRange(0, 4); n > 0; --n) out.push_back(value(depth - 1));
        return out;
      }
      default: {
        json out = json::object();
        for (int n = *rc::gen::inRange(0, 4); n > 0; --n)
          out["k" + std::to_string(n)] = value(depth - 1);
        return out;
      }
    }
  };
  const json v = value(3);
  const std::string text = v.dump(-1, ' ', true, json::error_handler_t::replace);
  RC_PRE(text.find("\\u0000") == text.npos);
  const json expected_value = json::parse(text);
  const auto code = expression::compile(text);
  RC_ASSERT(code.has_value());
  const auto out = code.value().evaluate(small_scope{});
  RC_ASSERT(out.has_value());
  RC_ASSERT(out.value() == expected_value);
}

}  // namespace
}  // namespace cascade
