#include "workflow/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cascade {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> problems(std::string_view text, const handler_predicate& known = {}) {
  const auto parsed = parse_workflow(text, "f", known);
  std::vector<std::string> out;
  if (!parsed)
    for (const auto& p : parsed.error()) out.push_back(to_string(p));
  return out;
}

// A workflow of one step with extra lines, each indented as a key of the step; they start in line
// 5.
std::vector<std::string> step_problems(std::string_view lines) {
  return problems("name: w\nsteps:\n- name: a\n  handler: h\n" + std::string(lines));
}

constexpr std::string_view nightly = R"(# every night
name: nightly
description: Copies a day.
params:
  day: string
  limit: {type: integer, default: 10, description: rows at most}
  mode: {type: string, enum: [full, quick], required: false}
defaults:
  max_attempts: 3
  queue: batch
  retry: {kind: linear, base: 5s, cap: 1m}
steps:
  - name: fetch
    handler: http
    timeout: 1h30m
    input:
      url: "https://example.org/${input.day}?n=${input.limit}"
  - name: store-it
    command: [store, --stdin]
    depends_on: fetch
    for_each: steps.fetch.result.files
    input: {file: "${item}", n: "${index}"}
    max_attempts: 1
    requires: [disk]
    priority: 70
  - name: alarm
    handler: mail
    depends_on: [store-it]
    run: one_failed
    when: has(input.mode) && input.mode != 'quick'
    allow_failure: true
result: {files: "${size(steps['store-it'].result)}"}
)";

TEST(workflow_parse, reads_the_whole_format) {
  const auto parsed = parse_workflow(nightly, "nightly.yaml");
  ASSERT_TRUE(parsed) << to_string(parsed.error()[0]);
  const workflow_definition& w = parsed.value();
  EXPECT_EQ(w.name, "nightly");
  ASSERT_EQ(w.params.size(), 3u);
  ASSERT_EQ(w.steps.size(), 3u);
  const auto& fetch = w.steps[0];
  EXPECT_EQ(fetch.timeout, 90min);
  EXPECT_EQ(fetch.max_attempts, 3) << "from the defaults";
  EXPECT_EQ(fetch.queue, "batch");
  EXPECT_EQ(fetch.retry->kind, retry_kind::linear);
  const auto& store = w.steps[1];
  EXPECT_EQ(store.handler, "command");
  EXPECT_EQ(*store.command, json({"store", "--stdin"}));
  EXPECT_THAT(store.depends_on, ElementsAre("fetch"));
  EXPECT_EQ(store.max_attempts, 1);
  EXPECT_EQ(store.priority, 70);
  EXPECT_EQ(w.steps[2].run, run_rule::one_failed);
  EXPECT_TRUE(w.steps[2].allow_failure);
}

TEST(workflow_parse, the_normalized_form_reads_back_to_the_same) {
  const auto first = parse_workflow(nightly, "f").value();
  const json normal = to_json(first);
  EXPECT_EQ(normal["steps"][0]["depends_on"], json::array());
  EXPECT_EQ(normal["params"]["limit"]["required"], false);
  const auto second = read_workflow(normal);
  ASSERT_TRUE(second);
  EXPECT_EQ(second.value(), first);
  EXPECT_EQ(parse_workflow(normal.dump(2), "f.json").value(), first);
}

TEST(workflow_parse, json_goes_the_same_way_with_all_its_escapes) {
  const auto w = parse_workflow(R"({"name":"w","description":"\ud83d\ude00 \u00e9 \/ \"","steps":[
	{"name":"a","handler":"h","input":{"k":1e3,"u":"\\ud83d"}}]})",
                                "f.json");
  ASSERT_TRUE(w) << to_string(w.error()[0]);
  EXPECT_EQ(w.value().description, "😀 é / \"");
  EXPECT_EQ((*w.value().steps[0].input)["u"], "\\ud83d");
  EXPECT_THAT(problems(R"({"name":"w","description":"\ud83d\ude00",
 "steps":[{"name":"a","handler":"h","priority":101}]})"),
              ElementsAre("f:2:48: step \"a\": priority: must be a whole number from 0 to 100"));
  EXPECT_THAT(problems(R"({"name":"w","steps":[})"), Contains(HasSubstr("f:1:")));
}

TEST(workflow_parse, reports_everything_at_once_with_its_place) {
  EXPECT_THAT(
      problems(R"(name: w
setps: []
steps:
- name: a
  handler: h
  command: [x]
- name: b
  handlr: h
  timeout: soon
- name: a
  handler: h
  depends_on: [aa, b]
)"),
      ElementsAre(
          "f:2:1: \"setps\" is not a key of a workflow; did you mean \"steps\"?",
          "f:4:3: step \"a\": has both \"handler\" and \"command\"; keep one of them",
          "f:7:3: step \"b\": has neither \"handler\" nor \"command\"",
          "f:8:3: step \"b\": \"handlr\" is not a key of a step; did you mean \"handler\"?",
          "f:9:12: step \"b\": timeout: \"soon\" is not a duration; write 250ms, 10s, 5m, "
          "1h30m, 2d or a number of seconds; at most 3650d",
          "f:10:9: step \"a\": name: there is already a step \"a\"",
          "f:12:16: step \"a\": depends_on.0: there is no step \"aa\"; did you mean \"a\"?"));
}

TEST(workflow_parse, names_the_steps_of_a_cycle) {
  EXPECT_THAT(problems(R"(name: w
steps:
- {name: a, handler: h, depends_on: [c]}
- {name: b, handler: h, depends_on: [a]}
- {name: c, handler: h, depends_on: [b]}
- {name: d, handler: h, depends_on: [c]}
)"),
              ElementsAre(HasSubstr("these steps wait for each other: a -> b -> c -> a")));
  EXPECT_THAT(step_problems("  depends_on: a"),
              ElementsAre(HasSubstr("wait for each other: a -> a")));
}

TEST(workflow_parse, expressions_are_checked_to_the_column) {
  EXPECT_THAT(step_problems("  when: input.x >> 1"),
              ElementsAre("f:5:18: step \"a\": when: expected a value, found '>'"));
  EXPECT_THAT(step_problems("  when: \"input.x == '\\u00e9' >> 1\""),
              ElementsAre(HasSubstr("f:5:31: ")));
  EXPECT_THAT(step_problems("  when: |\n    true &&\n      inptu.x\n"),
              ElementsAre(HasSubstr("f:7:7: ")));
  EXPECT_THAT(step_problems("  when: ${input.x}"), ElementsAre(HasSubstr("no ${ } here")));
  EXPECT_THAT(step_problems("  input:\n    k: [1, 'x ${input.a +} y']"),
              ElementsAre(HasSubstr("f:6:26: ")));
  EXPECT_THAT(step_problems("  when: 1"), ElementsAre(HasSubstr("must be an expression")));
  EXPECT_THAT(step_problems("  when: true\n  for_each: [1, 2]"), IsEmpty());
  EXPECT_THAT(step_problems("  input: ${item}"), ElementsAre(HasSubstr("for_each")));
}

TEST(workflow_parse, an_expression_reads_only_steps_that_are_done) {
  EXPECT_THAT(problems(R"(name: w
steps:
- {name: a, handler: h}
- {name: b, handler: h, depends_on: [a], when: "steps.a.result && steps.c.result && steps.cc.status == ''"}
- {name: c, handler: h, depends_on: [b], when: "steps.a.result && steps.c.result"}
result: ${steps.d.result}
)"),
              ElementsAre("f:4:73: step \"b\": when: step \"c\" may not have finished yet; add it "
                          "to depends_on of \"b\"",
                          "f:4:91: step \"b\": when: there is no step \"cc\"; did you mean \"c\"?",
                          "f:5:73: step \"c\": when: step \"c\" cannot read itself",
                          "f:6:17: result: there is no step \"d\"; did you mean \"a\"?"));
}

TEST(workflow_parse, ranges_and_types) {
  EXPECT_THAT(step_problems("  priority: 101"),
              ElementsAre(HasSubstr("f:5:13: step \"a\": priority: must be")));
  EXPECT_THAT(step_problems("  priority: -1"), ElementsAre(HasSubstr("from 0 to 100")));
  EXPECT_THAT(step_problems("  max_attempts: 0"), ElementsAre(HasSubstr("from 1 to 32767")));
  EXPECT_THAT(step_problems("  max_attempts: 32768"), ElementsAre(HasSubstr("from 1 to 32767")));
  EXPECT_THAT(step_problems("  max_attempts: 99999999999999999999"),
              ElementsAre(HasSubstr("from 1 to 32767")));
  EXPECT_THAT(step_problems("  max_attempts: 1.5"), ElementsAre(HasSubstr("whole number")));
  EXPECT_THAT(step_problems("  run: all_succes"),
              ElementsAre(HasSubstr("did you mean \"all_success\"")));
  EXPECT_THAT(step_problems("  timeout: 0"), ElementsAre(HasSubstr("longer than 0")));
  EXPECT_THAT(step_problems("  retry: {bas: 1s}"),
              ElementsAre(HasSubstr("f:5:11: step \"a\": retry: \"bas\" ")))
      << testing::PrintToString(step_problems("  retry: {bas: 1s}"));
  EXPECT_THAT(step_problems("  retry: {base: 2s, cap: 1s}"), ElementsAre(HasSubstr("longer than")));
  EXPECT_THAT(step_problems("  queue: ''"), ElementsAre(HasSubstr("must not be empty")));
  EXPECT_THAT(step_problems("  allow_failure: yes"), ElementsAre(HasSubstr("true or false")));
  EXPECT_THAT(step_problems("  depends_on: [1]"), ElementsAre(HasSubstr("put it in quotes")));
  EXPECT_THAT(problems("name: w\nsteps:\n- name: 'a b'\n  handler: h"),
              ElementsAre(HasSubstr("letters, digits")));
  EXPECT_THAT(problems("name: w\nsteps: []"), ElementsAre(HasSubstr("must not be empty")));
  EXPECT_THAT(problems("name: w\nsteps: {a: 1}"),
              ElementsAre(HasSubstr("must be a list of steps")));
  EXPECT_THAT(problems("name: w\nsteps: [1]"), ElementsAre(HasSubstr("must be a map")));
  EXPECT_THAT(problems("[]"), ElementsAre(HasSubstr("must be a map")));
  EXPECT_THAT(problems("steps:\n- name: a\n  handler: h"), ElementsAre(HasSubstr("no \"name\"")));
  EXPECT_THAT(problems("name: w\nsteps:\n- name: a\n  command: {cwd: /}"),
              ElementsAre(HasSubstr("argv")));
  EXPECT_THAT(problems("name: w\nsteps:\n- name: a\n  command: [ls, 1]"),
              ElementsAre(HasSubstr("f:4:17:")));
  EXPECT_THAT(problems("name: w\nsteps:\n- name: a\n  handler: command"),
              ElementsAre(HasSubstr("no command")));
  EXPECT_THAT(
      problems("name: w\ndefaults: {priority: 200, name: x}\nsteps:\n- name: a\n  handler: h"),
      ElementsAre(HasSubstr("f:2:22: defaults.priority"), HasSubstr("f:2:27: defaults: \"name\"")));
}

TEST(workflow_parse, params) {
  const auto wrong = [](std::string_view spec) {
    return problems("name: w\nsteps:\n- name: a\n  handler: h\nparams:\n  p: " + std::string(spec));
  };
  EXPECT_THAT(wrong("string"), IsEmpty());
  EXPECT_THAT(wrong(""), IsEmpty());
  EXPECT_THAT(wrong("strng"), ElementsAre(HasSubstr("did you mean \"string\"")));
  EXPECT_THAT(wrong("{type: integer, default: x}"),
              ElementsAre(HasSubstr("must be an integer, not \"x\"")));
  EXPECT_THAT(wrong("{type: integer, default: 2.0}"), IsEmpty());
  EXPECT_THAT(wrong("{enum: [1, 2], default: 3}"), ElementsAre(HasSubstr("must be one of [1, 2]")));
  EXPECT_THAT(wrong("{type: string, enum: [1]}"),
              ElementsAre(HasSubstr("params.p.enum.0: must be of type string")));
  EXPECT_THAT(wrong("{default: 1, required: true}"),
              ElementsAre(HasSubstr("no use for a default")));
  EXPECT_THAT(wrong("[]"), ElementsAre(HasSubstr("must be a type")));
}

TEST(workflow_parse, unknown_handlers_are_found_when_asked_for) {
  const auto known = [](std::string_view name) { return name == "h"; };
  EXPECT_THAT(problems("name: w\nsteps:\n- {name: a, handler: h}\n- {name: b, handler: g}\n- "
                       "{name: c, command: [ls]}",
                       known),
              ElementsAre("f:4:22: step \"b\": handler: no handler is called \"g\""));
}

TEST(workflow_parse, yaml_that_is_no_yaml) {
  EXPECT_THAT(problems(""), ElementsAre(HasSubstr("empty")));
  EXPECT_THAT(problems("a: [1"), ElementsAre(HasSubstr("f:")));
  EXPECT_THAT(problems("a: 1\na: 2"), Contains(HasSubstr("f:2:1: the key \"a\" is here twice")));
  EXPECT_THAT(problems("--- 1\n--- 2"), ElementsAre(HasSubstr("second document")));
  EXPECT_THAT(problems("a: !magic 1"), ElementsAre(HasSubstr("!magic")));
  EXPECT_THAT(problems("? [a]\n: 1"), ElementsAre(HasSubstr("cannot be a key")));
  EXPECT_THAT(problems("a: \"\\0\""), ElementsAre(HasSubstr("NUL")));
  EXPECT_THAT(problems("a: b\n\xff"), ElementsAre("f:2:1: this is not valid UTF-8"));
  // Begins like the character that stands for what is broken.
  for (const char* text : {"a: \xef", "a: \xef\xbf", "a: \xef\xbf:", "a: \xef\xbf\xbe\xef"})
    EXPECT_THAT(problems(text), ElementsAre(HasSubstr("this is not valid UTF-8"))) << text;
  EXPECT_THAT(problems("a: \xef\xbf: b"), ElementsAre("f:1:4: this is not valid UTF-8"));
  EXPECT_THAT(problems(std::string_view("a: b\0", 5)),
              ElementsAre("f:1:5: a NUL character cannot be stored"));
  EXPECT_THAT(problems("&a [*a]"), ElementsAre(HasSubstr("alias")));
}

TEST(workflow_parse, bombs_do_not_go_off) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) laughs += ", " + before;
    laughs += "]\n";
  }
  EXPECT_THAT(problems(laughs),
              ElementsAre(HasSubstr("with its aliases the file has more than 1000000 values")));
  EXPECT_THAT(problems(std::string(100'000, '[')), ElementsAre(HasSubstr("f:1:")));
  EXPECT_THAT(problems(std::string(1'000, '[') + std::string(1'000, ']')),
              ElementsAre(HasSubstr("deep")));
  EXPECT_THAT(problems(std::string(5 << 20, ' ')), ElementsAre(HasSubstr("more than the limit")));
}

TEST(workflow_parse, aliases_and_scalars_mean_what_yaml_says) {
  const auto w = parse_workflow(R"(name: w
steps:
- name: a
  handler: h
  input: &i {int: 12, hex: 0x1F, float: 1.5e3, yes: yes, t: True, n: ~, e: , q: "12", block: |
      two
      lines
    , date: 2026-11-20, plus: +3, point: .5, ver: 1.2.3}
- name: b
  handler: h
  input: *i
)",
                                "f");
  const auto simple = parse_workflow(R"(name: w
steps:
- name: a
  handler: h
  input: &i {int: 12, hex: 0x1F, float: 1.5e3, yes: yes, t: True, n: ~, e: , q: "12", date: 2026-11-20, plus: +3,
             point: .5, ver: 1.2.3, big: 18446744073709551615, str: !!str 5}
- name: b
  handler: h
  input: *i
)",
                                     "f");
  EXPECT_FALSE(w) << "no block inside braces";
  ASSERT_TRUE(simple) << to_string(simple.error()[0]);
  EXPECT_EQ(*simple.value().steps[1].input,
            json::parse(R"({"int": 12, "hex": 31, "float": 1500.0, "yes": "yes",
    "t": true, "n": null, "e": null, "q": "12", "date": "2026-11-20", "plus": 3, "point": 0.5, "ver": "1.2.3",
    "big": 18446744073709551615, "str": "5"})"));
}

}  // namespace
}  // namespace cascade
