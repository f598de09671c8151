// workflow/builder.hpp
//
// Workflows written in C++. The outcome has gone through the same reader and the same checks as a
// file.
//
//   workflow_builder wf("nightly");
//   wf.param("day", param_type::string);
//   wf.step("fetch").handler("http").input({{"url", "https://example.org/${input.day}"}});
//   wf.step("store").command({"store", "--stdin"}).after("fetch").input("${steps.fetch.result}");
//   auto definition = wf.build();
//
// Thread   none: one builder, one thread. References that step() returns stay good as long as the
//          builder.
#pragma once

#include <chrono>
#include <deque>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "state/workflow.hpp"

namespace cascade {

class step_builder {
public:
  explicit step_builder(std::string name) { step_.name = std::move(name); }

  step_builder& description(std::string text) { return step_.description = std::move(text), *this; }
  step_builder& handler(std::string name) { return step_.handler = std::move(name), *this; }
  step_builder& command(std::vector<std::string> argv);
  step_builder& command(nlohmann::json options);  // {argv, cwd, env, ...}
  step_builder& after(std::string step) {
    return step_.depends_on.push_back(std::move(step)), *this;
  }
  step_builder& after(std::initializer_list<std::string> steps);
  step_builder& input(nlohmann::json value) { return step_.input = std::move(value), *this; }
  step_builder& when(std::string text) { return step_.when = std::move(text), *this; }
  step_builder& run(run_rule rule) { return step_.run = rule, *this; }
  step_builder& for_each(std::string text) { return step_.for_each = std::move(text), *this; }
  step_builder& allow_failure(bool yes = true) { return step_.allow_failure = yes, *this; }
  step_builder& max_attempts(int n) { return step_.max_attempts = n, *this; }
  step_builder& retry(retry_policy policy) { return step_.retry = policy, *this; }
  step_builder& timeout(std::chrono::milliseconds t) { return step_.timeout = t, *this; }
  step_builder& priority(int n) { return step_.priority = n, *this; }
  step_builder& queue(std::string name) { return step_.queue = std::move(name), *this; }
  step_builder& requires_tag(std::string tag) {
    return step_.requires_tags.push_back(std::move(tag)), *this;
  }

private:
  friend class workflow_builder;
  step_definition step_;
};

class workflow_builder {
public:
  explicit workflow_builder(std::string name) { name_ = std::move(name); }

  workflow_builder& description(std::string text) { return description_ = std::move(text), *this; }
  workflow_builder& param(param_definition param) {
    return params_.push_back(std::move(param)), *this;
  }
  workflow_builder& param(std::string name, param_type type = param_type::any);
  workflow_builder& param(std::string name, param_type type, nlohmann::json default_value);
  step_builder& step(std::string name) { return steps_.emplace_back(std::move(name)); }
  workflow_builder& result(nlohmann::json value) { return result_ = std::move(value), *this; }

  expected<workflow_definition, std::vector<definition_problem>> build() const;

private:
  std::string name_;
  std::string description_;
  std::vector<param_definition> params_;
  std::deque<step_builder> steps_;
  std::optional<nlohmann::json> result_;
};

}  // namespace cascade
