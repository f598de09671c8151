// state/json_template.hpp
//
// JSON whose strings may hold `${ expression }`. A string that is nothing but one ${...} becomes
// the value itself, with its type; otherwise values are put into the text (strings as they are, the
// rest as JSON). `$${` stands for a plain ${. Keys are never templates.
//
// Threads, cost, limits: as for state/expression.hpp; parts without ${ are kept ready-made.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "state/expected.hpp"
#include "state/expression.hpp"

namespace cascade {

struct template_error {
  std::vector<std::string> path;  // keys and indexes inside the template
  std::string message;
  std::size_t offset = 0;  // byte in the string at `path`
};

struct template_node;  // private

class json_template {
public:
  static expected<json_template, template_error> compile(const nlohmann::json& value,
                                                         expression_names names = {});

  expected<nlohmann::json, template_error> evaluate(const expression_scope& scope) const;
  // As above; `work` is what is left of evaluation_work_max and is counted down.
  expected<nlohmann::json, template_error> evaluate(const expression_scope& scope,
                                                    std::size_t& work) const;

  // Every step it reads; offsets are those of the string at `paths[i]`.
  struct read {
    step_read what;
    std::vector<std::string> path;
  };
  const std::vector<read>& reads() const noexcept { return *reads_; }

private:
  json_template() = default;

  std::shared_ptr<const template_node> root_;
  std::shared_ptr<const std::vector<read>> reads_;
};

}  // namespace cascade
