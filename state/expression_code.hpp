// state/expression_code.hpp
//
// Private to expression*.cpp: the compiled form. Nodes lie in one vector, children before parents;
// indexes instead of pointers, so nothing is destroyed recursively.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "state/expression.hpp"

namespace cascade {

using node_index = std::uint32_t;

enum class node_kind : std::uint8_t {
  literal,      // value
  variable,     // text
  step,         // text, field
  field,        // kids: base; text
  index,        // kids: base, key
  list,         // kids: items
  map,          // kids: key, value, key, value...
  negate,       // kids: operand
  logical_not,  //
  conditional,  // kids: condition, then, else
  logical_and,  // kids: left, right, and so on for all below
  logical_or,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  call,  // kids: arguments; function
};

enum class function_id : std::uint8_t {
  size,
  has,
  to_string,
  to_int,
  to_double,
  starts_with,
  ends_with,
  contains,
  range,
};

struct function_info {
  std::string_view name;
  function_id id;
  std::size_t argument_count;
};
inline constexpr std::array functions{
    function_info{"size", function_id::size, 1},
    function_info{"has", function_id::has, 1},
    function_info{"string", function_id::to_string, 1},
    function_info{"int", function_id::to_int, 1},
    function_info{"double", function_id::to_double, 1},
    function_info{"startsWith", function_id::starts_with, 2},
    function_info{"endsWith", function_id::ends_with, 2},
    function_info{"contains", function_id::contains, 2},
    function_info{"range", function_id::range, 1},
};

// Binary operators; a higher level binds tighter, all bind from the left.
struct operator_info {
  static constexpr int comparison_level = 2;
  static constexpr int unary_level = 5;

  std::string_view text;
  node_kind kind;
  int level;
};
inline constexpr std::array operators{
    operator_info{"||", node_kind::logical_or, 0}, operator_info{"&&", node_kind::logical_and, 1},
    operator_info{"==", node_kind::equal, 2},      operator_info{"!=", node_kind::not_equal, 2},
    operator_info{"<", node_kind::less, 2},        operator_info{"<=", node_kind::less_equal, 2},
    operator_info{">", node_kind::greater, 2},     operator_info{">=", node_kind::greater_equal, 2},
    operator_info{"in", node_kind::in, 2},         operator_info{"+", node_kind::add, 3},
    operator_info{"-", node_kind::subtract, 3},    operator_info{"*", node_kind::multiply, 4},
    operator_info{"/", node_kind::divide, 4},      operator_info{"%", node_kind::modulo, 4},
};

struct expression_node {
  node_kind kind = node_kind::literal;
  function_id function = function_id::size;
  step_field field = step_field::result;
  std::uint16_t depth = 1;
  std::uint32_t offset = 0;
  std::vector<node_index> kids;
  std::string text;
  nlohmann::json value;
};

struct expression_code {
  std::string text;
  std::vector<expression_node> nodes;
  node_index root = 0;
  std::vector<step_read> reads;
};

// Inside a compilation or an evaluation only; turned into a value at its border.
struct expression_failure {
  expression_error error;
};

[[noreturn]] inline void fail_at(std::size_t offset, std::string message) {
  throw expression_failure{{std::move(message), offset}};
}

// A value of the evaluation: somebody else's (not copied) or its own.
class expression_value {
public:
  explicit expression_value(const nlohmann::json* borrowed) : borrowed_(borrowed) {}
  explicit expression_value(nlohmann::json&& own) : own_(std::move(own)) {}

  const nlohmann::json& get() const noexcept { return borrowed_ ? *borrowed_ : own_; }
  bool is_own() const noexcept { return borrowed_ == nullptr; }
  nlohmann::json& own() noexcept { return own_; }

private:
  const nlohmann::json* borrowed_ = nullptr;
  nlohmann::json own_;
};

// What is left to spend; throws when it is gone.
struct work_meter {
  std::size_t& left;

  void charge(std::size_t offset, std::size_t n) {
    if (n > left) {
      left = 0;
      fail_at(offset, "the values of this expression are too large");
    }
    left -= n;
  }
};

// Rough number of bytes of a value; stops counting above `enough`.
std::size_t json_weight(const nlohmann::json& value, std::size_t enough);

// expression_ops.cpp: operators and functions on finished operands.
nlohmann::json apply_binary(node_kind kind, expression_value& left, expression_value& right,
                            std::size_t offset, work_meter& work);
nlohmann::json apply_function(function_id id, std::vector<expression_value>& arguments,
                              std::size_t offset, work_meter& work);
nlohmann::json negated(const nlohmann::json& value, std::size_t offset);
// For messages: a short form of a value, and its type.
std::string shown(const nlohmann::json& value);
std::string_view type_word(const nlohmann::json& value);

}  // namespace cascade
