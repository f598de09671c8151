// Operators and functions on finished operands.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "state/expression_code.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

using nlohmann::json;

// JSON does not tell 1 from 1.0 from 18446744073709551615; arithmetic does: 64-bit where it fits,
// else double.
struct number {
  bool whole = false;
  std::int64_t i = 0;
  double d = 0;

  explicit number(const json& v) {
    if (v.is_number_unsigned()) {
      const auto u = v.get<std::uint64_t>();
      whole = u <= static_cast<std::uint64_t>(INT64_MAX);
      i = whole ? static_cast<std::int64_t>(u) : 0;
      d = static_cast<double>(u);
    } else if (v.is_number_integer()) {
      whole = true;
      i = v.get<std::int64_t>();
      d = static_cast<double>(i);
    } else {
      d = v.get<double>();
    }
  }
};

// Exact: a long double holds any 64-bit integer and any double.
long double exactly(const json& v) {
  if (v.is_number_unsigned()) return static_cast<long double>(v.get<std::uint64_t>());
  if (v.is_number_integer()) return static_cast<long double>(v.get<std::int64_t>());
  return static_cast<long double>(v.get<double>());
}

bool equal(const json& a, const json& b, std::size_t offset, work_meter& work) {
  work.charge(offset, 1);
  if (a.is_number() && b.is_number()) return exactly(a) == exactly(b);
  if (a.type() != b.type()) return false;
  if (a.is_string())
    work.charge(offset, std::min(a.get_ref<const std::string&>().size(),
                                 b.get_ref<const std::string&>().size()));
  if (!a.is_structured()) return a == b;
  if (a.size() != b.size()) return false;
  if (a.is_array()) {
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!equal(a[i], b[i], offset, work)) return false;
    return true;
  }
  const auto& left = a.get_ref<const json::object_t&>();
  const auto& right = b.get_ref<const json::object_t&>();
  for (auto i = left.begin(), j = right.begin(); i != left.end(); ++i, ++j)
    if (i->first != j->first || !equal(i->second, j->second, offset, work)) return false;
  return true;
}

bool ordered(node_kind kind, const json& a, const json& b, std::size_t offset) {
  const auto answer = [kind](const auto& x, const auto& y) {
    switch (kind) {
      case node_kind::less:
        return x < y;
      case node_kind::less_equal:
        return x <= y;
      case node_kind::greater:
        return x > y;
      default:
        return x >= y;
    }
  };
  if (a.is_number() && b.is_number()) return answer(exactly(a), exactly(b));
  if (a.is_string() && b.is_string())
    return answer(a.get_ref<const std::string&>(), b.get_ref<const std::string&>());
  fail_at(offset,
          "only two numbers or two strings can be ordered, not " + shown(a) + " and " + shown(b));
}

bool is_in(const json& what, const json& where, std::size_t offset, work_meter& work) {
  if (where.is_array())
    return std::any_of(where.begin(), where.end(),
                       [&](const json& x) { return equal(what, x, offset, work); });
  if (where.is_object() && what.is_string())
    return where.contains(what.get_ref<const std::string&>());
  fail_at(offset,
          "'in' takes a list, or a string and a map, not " + shown(what) + " and " + shown(where));
}

json finite(double d, std::size_t offset) {
  if (!std::isfinite(d)) fail_at(offset, "the number is out of range");
  return d;
}

json arithmetic(node_kind kind, const json& left, const json& right, std::size_t offset) {
  const number a(left), b(right);
  if ((kind == node_kind::divide || kind == node_kind::modulo) && b.d == 0)
    fail_at(offset, "division by zero");
  if (!a.whole || !b.whole) {
    switch (kind) {
      case node_kind::add:
        return finite(a.d + b.d, offset);
      case node_kind::subtract:
        return finite(a.d - b.d, offset);
      case node_kind::multiply:
        return finite(a.d * b.d, offset);
      case node_kind::divide:
        return finite(a.d / b.d, offset);
      default:
        fail_at(offset, "% takes whole numbers");
    }
  }
  std::int64_t out = 0;
  bool overflow = false;
  switch (kind) {
    case node_kind::add:
      overflow = __builtin_add_overflow(a.i, b.i, &out);
      break;
    case node_kind::subtract:
      overflow = __builtin_sub_overflow(a.i, b.i, &out);
      break;
    case node_kind::multiply:
      overflow = __builtin_mul_overflow(a.i, b.i, &out);
      break;
    default:
      if (b.i == -1) {  // INT64_MIN / -1 traps
        overflow = kind == node_kind::divide && __builtin_sub_overflow(std::int64_t{0}, a.i, &out);
      } else {
        out = kind == node_kind::divide ? a.i / b.i : a.i % b.i;
      }
  }
  if (overflow) fail_at(offset, "the whole number is out of range");
  return out;
}

json joined(expression_value& left, expression_value& right, std::size_t offset, work_meter& work) {
  work.charge(offset, json_weight(left.get(), work.left + 1));
  work.charge(offset, json_weight(right.get(), work.left + 1));
  json out = left.is_own() ? std::move(left.own()) : left.get();
  if (out.is_string()) {
    out.get_ref<std::string&>() += right.get().get_ref<const std::string&>();
  } else {
    out.insert(out.end(), right.get().begin(), right.get().end());
  }
  return out;
}

json to_int(const json& v, std::size_t offset) {
  if (v.is_number()) {
    const number n(v);
    if (n.whole) return n.i;
    if (n.d >= -9223372036854775808.0 && n.d < 9223372036854775808.0)
      return static_cast<std::int64_t>(n.d);
  } else if (v.is_string()) {
    const std::string& s = v.get_ref<const std::string&>();
    std::int64_t out = 0;
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), out);
    if (ec == std::errc{} && end == s.data() + s.size()) return out;
  }
  fail_at(offset, "int() cannot make a whole number of " + shown(v));
}

json to_double(const json& v, std::size_t offset) {
  if (v.is_number()) return number(v).d;
  if (v.is_string()) {
    const std::string& s = v.get_ref<const std::string&>();
    double out = 0;
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), out);
    if (ec == std::errc{} && end == s.data() + s.size() && std::isfinite(out)) return out;
  }
  fail_at(offset, "double() cannot make a number of " + shown(v));
}

json size_of(const json& v, std::size_t offset) {
  if (v.is_array() || v.is_object()) return static_cast<std::int64_t>(v.size());
  if (!v.is_string()) fail_at(offset, "size() takes a string, a list or a map, not " + shown(v));
  const std::string& s = v.get_ref<const std::string&>();
  return static_cast<std::int64_t>(
      std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

json range_of(const json& v, std::size_t offset, work_meter& work) {
  const auto count = v.is_number_integer() ? v.get<std::int64_t>() : -1;
  if (count < 0 || static_cast<std::size_t>(count) > limits::fan_out_max)
    fail_at(offset, "range() takes a whole number from 0 to " +
                        std::to_string(limits::fan_out_max) + ", not " + shown(v));
  work.charge(offset, 16 * static_cast<std::size_t>(count));
  json::array_t out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int64_t>(i);
  return out;
}

json search(function_id id, const json& in, const json& what, std::size_t offset,
            work_meter& work) {
  if (id == function_id::contains && in.is_array()) return is_in(what, in, offset, work);
  if (!in.is_string() || !what.is_string())
    fail_at(offset, "this function takes strings, not " + shown(in) + " and " + shown(what));
  const std::string_view text = in.get_ref<const std::string&>();
  const std::string_view part = what.get_ref<const std::string&>();
  work.charge(offset, text.size());
  if (id == function_id::starts_with) return text.starts_with(part);
  if (id == function_id::ends_with) return text.ends_with(part);
  return text.find(part) != text.npos;
}

}  // namespace

json apply_binary(node_kind kind, expression_value& left, expression_value& right,
                  std::size_t offset, work_meter& work) {
  const json& a = left.get();
  const json& b = right.get();
  switch (kind) {
    case node_kind::equal:
      return equal(a, b, offset, work);
    case node_kind::not_equal:
      return !equal(a, b, offset, work);
    case node_kind::less:
    case node_kind::less_equal:
    case node_kind::greater:
    case node_kind::greater_equal:
      return ordered(kind, a, b, offset);
    case node_kind::in:
      return is_in(a, b, offset, work);
    default:
      break;
  }
  if (a.is_number() && b.is_number()) return arithmetic(kind, a, b, offset);
  if (kind == node_kind::add &&
      ((a.is_string() && b.is_string()) || (a.is_array() && b.is_array())))
    return joined(left, right, offset, work);
  if (kind == node_kind::add)
    fail_at(offset,
            "+ takes two numbers, two strings or two lists, not " + shown(a) + " and " + shown(b));
  fail_at(offset, "this operator takes two numbers, not " + shown(a) + " and " + shown(b));
}

json apply_function(function_id id, std::vector<expression_value>& arguments, std::size_t offset,
                    work_meter& work) {
  const json& first = arguments[0].get();
  switch (id) {
    case function_id::size:
      return size_of(first, offset);
    case function_id::to_int:
      return to_int(first, offset);
    case function_id::to_double:
      return to_double(first, offset);
    case function_id::range:
      return range_of(first, offset, work);
    case function_id::starts_with:
    case function_id::ends_with:
    case function_id::contains:
      return search(id, first, arguments[1].get(), offset, work);
    case function_id::to_string:
      work.charge(offset, json_weight(first, work.left + 1));
      return first.is_string() ? first
                               : json(first.dump(-1, ' ', false, json::error_handler_t::replace));
    case function_id::has:
      break;  // the evaluator's own
  }
  fail_at(offset, "unknown function");
}

json negated(const json& value, std::size_t offset) {
  if (!value.is_number()) fail_at(offset, "'-' takes a number, not " + shown(value));
  return arithmetic(node_kind::subtract, 0, value, offset);
}

std::string_view type_word(const json& value) {
  if (value.is_null()) return "null";
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "a boolean";
  if (value.is_array()) return "a list";
  return value.is_object() ? "a map" : "a number";
}

std::string shown(const json& value) {
  if (value.is_structured()) {
    return std::string(type_word(value)) + " of " + std::to_string(value.size());
  }
  if (!value.is_string()) return value.dump();
  constexpr std::size_t shown_max = 60;
  const std::string& text = value.get_ref<const std::string&>();
  const std::string cut = storable_text(text, shown_max);
  return json(cut).dump() + (text.size() > shown_max ? "..." : "");
}

}  // namespace cascade
