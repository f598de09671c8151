// state/expression.hpp
//
// A small language for conditions and values in workflows: a subset of CEL over JSON. No loops, no
// side effects, no clock; docs/workflows.md is its reference.
//
// Threads  a compiled expression is immutable and may be used by several threads.
// Cost     compile O(length); evaluate O(nodes) plus the values it copies or compares. Values read
//          are not copied until they are part of the outcome.
// Limits   limits::expression_bytes_max, expression_depth_max, and evaluation_work_max (bytes made
//          or compared by one evaluation; about the size of the outcome for ordinary ones).
// Errors   always with the byte offset of the token at fault; nothing is thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "state/expected.hpp"

namespace cascade {

inline constexpr int expression_depth_max = 128;
inline constexpr std::size_t evaluation_work_max = 64u << 20;

struct expression_error {
  std::string message;
  std::size_t offset = 0;
};

enum class step_field : std::uint8_t { result, status, error };

// A place in an expression that reads a step.
struct step_read {
  std::string step;
  step_field field = step_field::result;
  std::size_t offset = 0;
};

// Names an expression may read besides `input`, `job` and `steps`; others are refused when it is
// compiled.
struct expression_names {
  bool item = false;  // `item` and `index`
};

// Where an evaluation finds its values. Pointers must stay valid during the evaluation; null: not
// available.
class expression_scope {
public:
  virtual ~expression_scope() = default;
  // `input`, `job`, `item` or `index`.
  virtual const nlohmann::json* variable(std::string_view name) const = 0;
  virtual const nlohmann::json* step(std::string_view name, step_field field) const = 0;
};

struct expression_code;  // private: state/expression_code.hpp

class expression {
public:
  static expected<expression, expression_error> compile(std::string_view text,
                                                        expression_names names = {});

  expected<nlohmann::json, expression_error> evaluate(const expression_scope& scope) const;
  // As above; `work` is what is left of evaluation_work_max and is counted down.
  expected<nlohmann::json, expression_error> evaluate(const expression_scope& scope,
                                                      std::size_t& work) const;

  // Every step it reads, in the order of the text, doubles included.
  const std::vector<step_read>& reads() const noexcept;
  const std::string& text() const noexcept;

private:
  explicit expression(std::shared_ptr<const expression_code> code) noexcept
      : code_(std::move(code)) {}

  std::shared_ptr<const expression_code> code_;
};

}  // namespace cascade
