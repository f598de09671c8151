// workflow/schedule_file.hpp
//
// A file of schedules (YAML or JSON) to checked rows of cascade.schedule, or to every problem it has,
// each with its place in the file. docs/schedules.md describes the format.
//
// Limits  those of workflow/yaml_reader.hpp and of the table. Nothing is thrown.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workflow/parse.hpp"

namespace cascade {

struct schedule_definition {
  std::string name;
  std::string cron;  // or `every`
  std::optional<std::chrono::milliseconds> every;
  std::string time_zone = "UTC";
  std::optional<std::chrono::sys_time<std::chrono::microseconds>> starts_at, ends_at;
  std::string workflow, handler;  // one of them
  nlohmann::json input = nlohmann::json::object();
  std::string tick_parameter;  // empty: none
  std::string queue;           // of the handler's task; empty: the default one
  std::string tenant;          // empty: none
  int priority = 50;
  std::string overlap = "allow", catch_up = "last";
  int catch_up_max = 10;
  std::chrono::milliseconds jitter{};
  std::optional<bool> paused;  // none: stays as it is
};

// What is wrong with the times of a schedule, and the key that says so.
struct schedule_objection {
  std::string key, message, hint;
};
// Asked for schedules whose keys are all right by themselves. What times mean is known further up
// (triggers/schedule_rule.hpp).
using schedule_check = std::function<std::optional<schedule_objection>(const schedule_definition&)>;

expected<std::vector<schedule_definition>, std::vector<workflow_problem>> parse_schedules(
    std::string_view text, std::string_view filename, const schedule_check& check = {});

// The row of cascade.schedule; what is as by default is left out.
nlohmann::json to_json(const schedule_definition& schedule);

}  // namespace cascade
