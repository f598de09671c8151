// state/workflow_reader.hpp
//
// For what reads workflows and schedules: walks a JSON document, knows where it is, collects
// problems.
#pragma once

#include <chrono>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "state/workflow.hpp"

namespace cascade {

class definition_reader {
public:
  using json = nlohmann::json;

  std::vector<definition_problem> problems;

  void problem(std::string message, std::string hint = {}) {
    problems.push_back({path_, false, std::nullopt, std::move(message), std::move(hint)});
  }

  // Runs `f` one level deeper.
  template <class F>
  void in(std::string key, F&& f) {
    path_.push_back(std::move(key));
    f();
    path_.pop_back();
  }
  template <class F>
  void at(std::span<const std::string> keys, F&& f) {
    const std::size_t depth = path_.size();
    path_.insert(path_.end(), keys.begin(), keys.end());
    f();
    path_.resize(depth);
  }
  // Runs `f(member)` when `object` has `key`.
  template <class F>
  void member(const json& object, const char* key, F&& f) {
    const auto found = object.find(key);
    if (found != object.end()) in(key, [&] { f(*found); });
  }

  bool is_object(const json& value);
  void known_keys(const json& object, std::string_view what,
                  std::span<const std::string_view> keys);
  // Each leaves `out` alone when the value is wrong.
  void text(const json& value, std::string& out);
  void name(const json& value, std::string& out);
  void identifier(const json& value, std::string& out);
  void names(const json& value, std::vector<std::string>& out);
  void boolean(const json& value, bool& out);
  bool integer(const json& value, int low, int high, int& out);
  void duration(const json& value, std::chrono::milliseconds& out);
  void retry(const json& value, std::optional<retry_policy>& out);
  void choice(const json& value, std::span<const std::string_view> words, std::uint8_t& out);

private:
  std::vector<std::string> path_;
};

inline constexpr std::array<std::string_view, 7> param_type_names{
    "any", "string", "integer", "number", "boolean", "array", "object"};
inline constexpr std::array<std::string_view, 3> run_rule_names{"all_success", "all_done",
                                                                "one_failed"};

// workflow_read_params.cpp
void read_params(definition_reader& in, const nlohmann::json& value,
                 std::vector<param_definition>& out);

}  // namespace cascade
