#include "state/json_check.hpp"

#include <nlohmann/json.hpp>

#include "state/limits.hpp"

namespace cascade {
namespace {

// Postgres numeric holds far more than a double, but nothing else we hand values to does.
struct storage_check : nlohmann::json_sax<nlohmann::json> {
  int depth = 0;
  std::string problem;

  bool refuse(std::string why) {
    if (problem.empty()) problem = std::move(why);
    return false;
  }
  bool text(const std::string& s) {
    return s.find('\0') == std::string::npos || refuse("it contains a NUL character");
  }
  bool enter() {
    return ++depth <= limits::json_depth_max ||
           refuse("it is nested deeper than " + std::to_string(limits::json_depth_max) + " levels");
  }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t& s) override { return text(s); }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(std::size_t) override { return enter(); }
  bool key(string_t& s) override { return text(s); }
  bool end_object() override { return --depth, true; }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return --depth, true; }
  bool parse_error(std::size_t at, const std::string&,
                   const nlohmann::detail::exception& e) override {
    std::string what = e.what();
    if (const auto cut = what.find("] "); cut != std::string::npos) what.erase(0, cut + 2);
    return refuse("it is not valid JSON at byte " + std::to_string(at) + ": " +
                  storable_text(what, 300));
  }
};

// Length of the valid UTF-8 sequence at the start of `s`, or 0. RFC 3629: no surrogates, no
// overlong forms.
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto tail = [&](std::size_t i, unsigned lo = 0x80, unsigned hi = 0xBF) {
    return i < s.size() && byte(i) >= lo && byte(i) <= hi;
  };
  const unsigned a = byte(0);
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a <= 0xDF) return tail(1) ? 2 : 0;
  if (a == 0xE0) return tail(1, 0xA0) && tail(2) ? 3 : 0;
  if (a == 0xED) return tail(1, 0x80, 0x9F) && tail(2) ? 3 : 0;
  if (a >= 0xE1 && a <= 0xEF) return tail(1) && tail(2) ? 3 : 0;
  if (a == 0xF0) return tail(1, 0x90) && tail(2) && tail(3) ? 4 : 0;
  if (a >= 0xF1 && a <= 0xF3) return tail(1) && tail(2) && tail(3) ? 4 : 0;
  if (a == 0xF4) return tail(1, 0x80, 0x8F) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

}  // namespace

std::optional<std::string> json_storage_problem(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return "it has " + std::to_string(text.size()) + " bytes, more than the limit of " +
           std::to_string(bytes_max);
  storage_check check;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &check)) return std::nullopt;
  return check.problem.empty() ? "it is not valid JSON" : check.problem;
}

std::string storable_text(std::string_view bytes, std::size_t bytes_max) {
  std::string out;
  out.reserve(std::min(bytes.size(), bytes_max));
  while (!bytes.empty()) {
    const std::size_t n = bytes[0] == '\0' ? 0 : utf8_length(bytes);
    const std::string_view piece = n == 0 ? std::string_view("\xEF\xBF\xBD") : bytes.substr(0, n);
    if (out.size() + piece.size() > bytes_max) break;
    out += piece;
    bytes.remove_prefix(n == 0 ? 1 : n);
  }
  return out;
}

std::string json_excerpt(const nlohmann::json& value) {
  return storable_text(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 100);
}

}  // namespace cascade
