#include "state/expression_lexer.hpp"

#include <array>
#include <charconv>

#include "state/expression_code.hpp"

namespace cascade {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t b) {
    out += static_cast<char>(static_cast<unsigned char>(b));
  };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

// Four hex digits at `at`.
std::uint32_t hex4(std::string_view text, std::size_t at) {
  std::uint32_t value = 0;
  if (at + 4 > text.size()) fail_at(at, "\\u needs four hexadecimal digits");
  const auto [end, ec] = std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  if (ec != std::errc{} || end != text.data() + at + 4)
    fail_at(at, "\\u needs four hexadecimal digits");
  return value;
}

// The escape whose letter is at `at`; returns the offset behind it.
std::size_t append_escape(std::string_view text, std::size_t at, std::string& out) {
  constexpr std::string_view letters = "nrtbf\\\"'/";
  constexpr std::string_view meanings = "\n\r\t\b\f\\\"'/";
  if (const auto i = letters.find(text[at]); i != letters.npos) {
    out += meanings[i];
    return at + 1;
  }
  if (text[at] != 'u')
    fail_at(at - 1, "unknown escape; known are \\n \\r \\t \\b \\f \\\\ \\\" \\' \\/ \\uXXXX");
  std::uint32_t c = hex4(text, at + 1);
  std::size_t behind = at + 5;
  if (c >= 0xD800 && c <= 0xDBFF && text.substr(behind, 2) == "\\u") {
    const std::uint32_t low = hex4(text, behind + 2);
    if (low < 0xDC00 || low > 0xDFFF)
      fail_at(behind, "the second half of a surrogate pair is missing");
    c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    behind += 6;
  }
  if (c >= 0xD800 && c <= 0xDFFF) fail_at(at - 1, "half of a surrogate pair is not a character");
  if (c == 0) fail_at(at - 1, "a NUL character cannot be stored");
  append_utf8(out, c);
  return behind;
}

}  // namespace

token expression_lexer::next() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  if (at_ == text_.size()) return {token_kind::end, {}, at_, {}};
  const char c = text_[at_];
  if (is_digit(c)) return number();
  if (c == '"' || c == '\'') return string(c);
  if (is_name_start(c)) {
    const std::size_t from = at_;
    while (at_ < text_.size() && (is_name_start(text_[at_]) || is_digit(text_[at_]))) ++at_;
    return {token_kind::name, text_.substr(from, at_ - from), from, {}};
  }
  return symbol();
}

token expression_lexer::number() {
  const std::size_t from = at_;
  bool whole = true;
  const auto digits = [&] {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > start;
  };
  digits();
  if (at_ + 1 < text_.size() && text_[at_] == '.' && is_digit(text_[at_ + 1])) {
    whole = false;
    ++at_;
    digits();
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    whole = false;
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (!digits()) fail_at(from, "this number has no exponent");
  }
  if (at_ < text_.size() && is_name_start(text_[at_]))
    fail_at(at_, "a name cannot start with a digit");
  token t{token_kind::number, text_.substr(from, at_ - from), from, {}};
  const char* const last = t.text.data() + t.text.size();
  if (whole) {
    std::int64_t value = 0;
    if (std::from_chars(t.text.data(), last, value).ec != std::errc{})
      fail_at(from, "this number is too large");
    t.value = value;
  } else {
    double value = 0;
    if (std::from_chars(t.text.data(), last, value).ec != std::errc{})
      fail_at(from, "this number is out of range");
    t.value = value;
  }
  return t;
}

token expression_lexer::string(char quote) {
  const std::size_t from = at_++;
  std::string value;
  while (true) {
    if (at_ >= text_.size()) fail_at(from, "this string is not closed");
    const char c = text_[at_];
    if (c == quote) break;
    if (c != '\\') {
      value += c;
      ++at_;
      continue;
    }
    if (at_ + 1 >= text_.size()) fail_at(from, "this string is not closed");
    at_ = append_escape(text_, at_ + 1, value);
  }
  ++at_;
  return {token_kind::string, text_.substr(from, at_ - from), from, std::move(value)};
}

token expression_lexer::symbol() {
  constexpr std::array<std::string_view, 6> pairs{"==", "!=", "<=", ">=", "&&", "||"};
  constexpr std::string_view singles = "+-*/%<>!?:.,()[]{}";
  const std::string_view two = text_.substr(at_, 2);
  for (const std::string_view pair : pairs)
    if (two == pair) {
      at_ += 2;
      return {token_kind::symbol, two, at_ - 2, {}};
    }
  const char c = text_[at_];
  if (c == '=') fail_at(at_, "write == to compare");
  if (c == '&' || c == '|') fail_at(at_, std::string("write ") + c + c);
  if (singles.find(c) == singles.npos) fail_at(at_, "unexpected character");
  return {token_kind::symbol, text_.substr(at_++, 1), at_ - 1, {}};
}

std::size_t template_end(std::string_view text, std::size_t from) {
  std::size_t depth = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      for (++i; i < text.size() && text[i] != c; ++i)
        if (text[i] == '\\') ++i;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && depth-- == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace cascade
