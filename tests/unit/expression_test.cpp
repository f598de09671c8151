#include "state/expression.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "state/json_template.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

struct table_scope final : expression_scope {
  std::map<std::string, json, std::less<>> variables{
      {"input",
       json::parse(
           R"({"n": 7, "x": 2.5, "name": "Zoë", "list": [1, "two", null, {"k": [9]}], "on": true,
                               "none": null, "big": 18446744073709551615, "map": {"a-b": 1, "in": 2}})")},
      {"job", {{"id", 42}, {"workflow", "w"}}},
      {"item", {{"id", 3}}},
      {"index", 5}};
  std::map<std::string, json, std::less<>> results{{"fetch", {{"rows", 10}}}, {"a-b", "dash"}};
  json completed = "completed", none;

  const json* variable(std::string_view name) const override {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : &found->second;
  }
  const json* step(std::string_view name, step_field field) const override {
    const auto found = results.find(name);
    if (found == results.end()) return nullptr;
    return field == step_field::result   ? &found->second
           : field == step_field::status ? &completed
                                         : &none;
  }
};

json value(std::string_view text) {
  const auto code = expression::compile(text, {.item = true});
  if (!code) return "does not compile: " + code.error().message;
  auto out = code.value().evaluate(table_scope{});
  return out ? out.value() : json("fails: " + out.error().message);
}

// "column: message" of whatever goes wrong.
std::string error(std::string_view text, expression_names names = {.item = true}) {
  const auto shown = [](const expression_error& e) {
    return std::to_string(e.offset + 1) + ": " + e.message;
  };
  const auto code = expression::compile(text, names);
  if (!code) return shown(code.error());
  const auto out = code.value().evaluate(table_scope{});
  return out ? "no error, but " + out.value().dump() : shown(out.error());
}

TEST(expression, literals) {
  EXPECT_EQ(value("null"), nullptr);
  EXPECT_EQ(value(" true "), true);
  EXPECT_EQ(value("0"), 0);
  EXPECT_EQ(value("1.25e2"), 125.0);
  EXPECT_EQ(value("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(value("-9223372036854775807 - 1"), INT64_MIN);
  EXPECT_EQ(value(R"('it''s')"), "does not compile: unexpected ''s''");
  EXPECT_EQ(value(R"('a"b\'c')"), "a\"b'c");
  EXPECT_EQ(value(R"("\n\t\\\/\u00e9\ud83d\ude00")"), "\n\t\\/é😀");
  EXPECT_EQ(value("[1, [2, 'x'], ]"), json::parse(R"([1, [2, "x"]])"));
  EXPECT_EQ(value("{'a': 1, 'b' + 'c': [input.n]}"), json::parse(R"({"a": 1, "bc": [7]})"));
  EXPECT_EQ(value("[]"), json::array());
  EXPECT_EQ(value("{}"), json::object());
}

TEST(expression, fields_and_indexes) {
  EXPECT_EQ(value("input.n"), 7);
  EXPECT_EQ(value("input['map']['a-b'] + input.map.in"), 3);
  EXPECT_EQ(value("input.list[3].k[0]"), 9);
  EXPECT_EQ(value("[10, 20][1]"), 20);
  EXPECT_EQ(value("{'a': {'b': 5}}.a.b"), 5);
  EXPECT_EQ(value("steps.fetch.result.rows"), 10);
  EXPECT_EQ(value("steps['a-b'].result + steps[\"a-b\"][\"status\"]"), "dashcompleted");
  EXPECT_EQ(value("steps.fetch.error"), nullptr);
  EXPECT_EQ(value("item.id * 10 + index"), 35);
  EXPECT_EQ(value("job.id"), 42);
}

TEST(expression, arithmetic) {
  EXPECT_EQ(value("1 + 2 * 3 - 4 / 2"), 5);
  EXPECT_EQ(value("(1 + 2) * 3"), 9);
  EXPECT_EQ(value("10 - 3 - 2"), 5);
  EXPECT_EQ(value("7 / 2"), 3) << "whole numbers stay whole";
  EXPECT_EQ(value("-7 / 2"), -3);
  EXPECT_EQ(value("7 % 4"), 3);
  EXPECT_EQ(value("7 / 2.0"), 3.5);
  EXPECT_EQ(value("--3"), 3);
  EXPECT_EQ(value("'a' + 'b' + 'c'"), "abc");
  EXPECT_EQ(value("[1] + input.list + []").size(), 5u);
  EXPECT_TRUE(value("1 + 2").is_number_integer());
}

TEST(expression, logic_and_comparison) {
  EXPECT_EQ(value("1 < 2 && !(2 <= 1) || false"), true);
  EXPECT_EQ(value("false && input.missing"), false) << "the right side is not looked at";
  EXPECT_EQ(value("true || 1"), true);
  EXPECT_EQ(value("1 == 1.0"), true);
  EXPECT_EQ(value("9223372036854775807 == 9223372036854775808.0"), false)
      << "exact, not by way of doubles";
  EXPECT_EQ(value("input.big > 9223372036854775807"), true);
  EXPECT_EQ(value("-1 < input.big"), true);
  EXPECT_EQ(value("1 == '1'"), false);
  EXPECT_EQ(value("null == input.none"), true);
  EXPECT_EQ(value("[1, {'a': 2.0}] == [1.0, {'a': 2}]"), true);
  EXPECT_EQ(value("'abc' < 'abd'"), true);
  EXPECT_EQ(value("'two' in input.list"), true);
  EXPECT_EQ(value("1.0 in input.list"), true);
  EXPECT_EQ(value("'n' in input"), true);
  EXPECT_EQ(value("3 in []"), false);
  EXPECT_EQ(value("input.on ? 'yes' : input.missing"), "yes");
  EXPECT_EQ(value("false ? 1 : true ? 2 : 3"), 2);
}

TEST(expression, functions) {
  EXPECT_EQ(value("size(input.name)"), 3) << "characters, not bytes";
  EXPECT_EQ(value("input.list.size()"), 4);
  EXPECT_EQ(value("size({})"), 0);
  EXPECT_EQ(value("has(input.n)"), true);
  EXPECT_EQ(value("has(input.none)"), false) << "null is as good as missing";
  EXPECT_EQ(value("has(input.a.b.c)"), false);
  EXPECT_EQ(value("has(input.n.b)"), false);
  EXPECT_EQ(value("has(input.list[9].k)"), false);
  EXPECT_EQ(value("has(steps.fetch.result.rows)"), true);
  EXPECT_EQ(
      value("string(1) + string(1.5) + string(true) + string('x') + string(null) + string([1])"),
      "11.5truexnull[1]");
  EXPECT_EQ(value("int('-12') + int(2.9) + int(3)"), -7);
  EXPECT_EQ(value("double('1.5') + double(1)"), 2.5);
  EXPECT_EQ(value("'abc'.startsWith('ab') && endsWith('abc', 'bc') && 'abc'.contains('b')"), true);
  EXPECT_EQ(value("[1, 2].contains(2)"), true);
  EXPECT_EQ(value("range(3)"), json({0, 1, 2}));
}

TEST(expression, errors_say_what_and_where) {
  EXPECT_EQ(error(""), "1: expected a value, found end of the expression");
  EXPECT_EQ(error("1 +"), "4: expected a value, found end of the expression");
  EXPECT_EQ(error("(1"), "3: expected ')', found end of the expression");
  EXPECT_EQ(error("1 2"), "3: unexpected '2'");
  EXPECT_EQ(error("a == 1"), "1: unknown name 'a'");
  EXPECT_EQ(error("input.a = 1"), "9: write == to compare");
  EXPECT_EQ(error("inptu.a"), "1: unknown name 'inptu'; did you mean \"input\"?");
  EXPECT_EQ(error("1 < 2 < 3"), "7: comparisons cannot be chained; join them with &&");
  EXPECT_EQ(error("true & false"), "6: write &&");
  EXPECT_EQ(error("'abc"), "1: this string is not closed");
  EXPECT_EQ(error(R"('\q')"),
            "2: unknown escape; known are \\n \\r \\t \\b \\f \\\\ \\\" \\' \\/ \\uXXXX");
  EXPECT_EQ(error(R"('\u0000')"), "2: a NUL character cannot be stored");
  EXPECT_EQ(error("12abc"), "3: a name cannot start with a digit");
  EXPECT_EQ(error("9223372036854775808"), "1: this number is too large");
  EXPECT_EQ(error("sise([])"), "1: unknown function 'sise'; did you mean \"size\"?");
  EXPECT_EQ(error("size()"), "1: size() takes 1 argument, not 0");
  EXPECT_EQ(error("has(1)"), "1: has() takes a field, as in has(input.day)");
  EXPECT_EQ(error("steps.fetch"), "12: expected .result, .status or .error of the step");
  EXPECT_EQ(error("steps.fetch.rows"), "13: a step has result, status and error, but no 'rows'");
  EXPECT_THAT(error("steps.fetch-all.result"), HasSubstr("steps[\"fetch-...\"]"));
  EXPECT_THAT(error("steps[input.x].result"), StartsWith("7: only a quoted name"));
  EXPECT_THAT(error("item.id", {}), HasSubstr("for_each"));
  EXPECT_EQ(error("input.missing"),
            "7: there is no field \"missing\"; there are: \"big\", \"list\", \"map\", \"n\", "
            "\"name\", \"none\", \"on\", \"x\"");
  EXPECT_EQ(error("input.n.x"), "9: 7 has no field \"x\"");
  EXPECT_EQ(error("input.list[4]"), "11: index 4 is not in a list of 4");
  EXPECT_EQ(error("input.list[-1]"), "11: index -1 is not in a list of 4");
  EXPECT_EQ(error("input.list['a']"), "11: a list of 4 has no field \"a\"");
  EXPECT_EQ(error("1 / 0"), "3: division by zero");
  EXPECT_EQ(error("1 % 0"), "3: division by zero");
  EXPECT_EQ(error("1.0 / 0"), "5: division by zero");
  EXPECT_EQ(error("9223372036854775807 + 1"), "21: the whole number is out of range");
  EXPECT_EQ(error("(-9223372036854775807 - 1) / -1"), "28: the whole number is out of range");
  EXPECT_EQ(error("1e308 * 10"), "7: the number is out of range");
  EXPECT_THAT(error("1 && true"), StartsWith("1: expected true or false, found 1"));
  EXPECT_THAT(error("'a' < 1"), HasSubstr("two numbers or two strings"));
  EXPECT_THAT(error("'a' + 1"), StartsWith("5: + takes"));
  EXPECT_EQ(error("int('x')"), "1: int() cannot make a whole number of \"x\"");
  EXPECT_THAT(error("range(100001)"), HasSubstr("from 0 to 100000"));
  EXPECT_EQ(error("steps.gone.result"), "1: step \"gone\" is not available here");
  EXPECT_EQ(error("'\xff'"), "1: the expression is not valid UTF-8");
}

TEST(expression, is_bounded) {
  const auto repeated = [](std::string_view s, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += s;
    return out;
  };
  EXPECT_THAT(error(repeated("(", 4000) + "1"), HasSubstr("nested too deeply"));
  EXPECT_THAT(error(repeated("!", 4000) + "true"), HasSubstr("nested too deeply"));
  EXPECT_THAT(error(repeated("-", 4000) + "1"), HasSubstr("nested too deeply"));
  EXPECT_THAT(error(repeated("[", 4000)), HasSubstr("nested too deeply"));
  EXPECT_THAT(error("1" + repeated("+1", 4000)), HasSubstr("nested too deeply"));
  EXPECT_THAT(error("input" + repeated(".a", 4000)), HasSubstr("nested too deeply"));
  EXPECT_THAT(error("true" + repeated("?true:true", 800)), HasSubstr("nested too deeply"));
  EXPECT_EQ(value("1" + repeated("+1", 200)), 201);
  EXPECT_THAT(error(std::string(limits::expression_bytes_max + 1, ' ')), HasSubstr("bytes"));

  table_scope scope;
  scope.variables["input"] = std::string(8 << 20, 'x');
  const auto code = expression::compile("input" + repeated(" + input", 100));
  const auto out = code.value().evaluate(scope);
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error().message, HasSubstr("too large"));
}

TEST(expression, tells_which_steps_it_reads) {
  const auto code = expression::compile(
      "steps.a.status == 'failed' || size(steps['b-c'].result) > 0 && steps.a.result");
  const auto& reads = code.value().reads();
  ASSERT_EQ(reads.size(), 3u);
  EXPECT_EQ(reads[0].step, "a");
  EXPECT_EQ(reads[0].field, step_field::status);
  EXPECT_EQ(reads[0].offset, 6u);
  EXPECT_EQ(reads[1].step, "b-c");
  EXPECT_EQ(reads[1].field, step_field::result);
}

json filled(const char* text) {
  const auto t = json_template::compile(json::parse(text), {.item = true});
  if (!t) return "does not compile: " + t.error().message;
  auto out = t.value().evaluate(table_scope{});
  return out ? out.value() : json("fails: " + out.error().message);
}

TEST(json_template, keeps_types_where_an_expression_stands_alone) {
  EXPECT_EQ(filled(R"({"n": "${input.n}", "l": ["${input.list}"], "k": 1, "s": "plain"})"),
            json::parse(R"({"n": 7, "l": [[1, "two", null, {"k": [9]}]], "k": 1, "s": "plain"})"));
  EXPECT_EQ(filled(R"("${ {'a': '}'} }")"), json::parse(R"({"a": "}"})"));
}

TEST(json_template, puts_values_into_texts) {
  EXPECT_EQ(filled(R"("n=${input.n}, ${input.name}${input.on} ${input.map}")"),
            "n=7, Zoëtrue {\"a-b\":1,\"in\":2}");
  EXPECT_EQ(filled(R"(" ${input.n}")"), " 7");
}

TEST(json_template, can_be_told_not_to) {
  EXPECT_EQ(filled(R"("$${input.n} costs $5 $$ ${input.n}$")"), "${input.n} costs $5 $$ 7$");
  EXPECT_EQ(filled(R"("$")"), "$");
  EXPECT_EQ(filled(R"({"${input.n}": 1})"), json::parse(R"({"${input.n}": 1})"))
      << "keys are never templates";
}

TEST(json_template, errors_name_the_place) {
  const auto bad = json_template::compile(json::parse(R"({"a": [1, "x ${input.} y"]})"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().path, (std::vector<std::string>{"a", "1"}));
  EXPECT_EQ(bad.error().offset, 10u);
  EXPECT_EQ(filled(R"("${input.n")"), "does not compile: this ${ is not closed");
  const auto good = json_template::compile(json::parse(R"({"a": {"b": "${input.missing}"}})"));
  const auto out = good.value().evaluate(table_scope{});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().path, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(out.error().offset, 8u);
}

TEST(json_template, tells_which_steps_it_reads) {
  const auto t = json_template::compile(
      json::parse(R"({"a": "x ${steps.fetch.result}", "b": ["${steps.s.status}"]})"));
  const auto& reads = t.value().reads();
  ASSERT_EQ(reads.size(), 2u);
  EXPECT_EQ(reads[0].what.offset, 10u);
  EXPECT_EQ(reads[1].path, (std::vector<std::string>{"b", "0"}));
}

TEST(json_template, is_bounded) {
  table_scope scope;
  scope.variables["input"] = std::string(8 << 20, 'x');
  json many = json::array();
  for (int i = 0; i < 100; ++i) many.push_back("${input}");
  const auto out = json_template::compile(many).value().evaluate(scope);
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error().message, HasSubstr("too large"));
  json deep = 1;
  for (int i = 0; i < 200; ++i) deep = json::array({deep});
  EXPECT_FALSE(json_template::compile(deep));
}

}  // namespace
}  // namespace cascade
