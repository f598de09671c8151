// state/expression_lexer.hpp
//
// Private to the expression compiler: text to tokens, one at a time. Throws expression_failure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

namespace cascade {

enum class token_kind : std::uint8_t { end, number, string, name, symbol };

struct token {
  token_kind kind = token_kind::end;
  std::string_view text;  // of the source; for strings with quotes
  std::size_t offset = 0;
  nlohmann::json value;  // number, string
};

class expression_lexer {
public:
  explicit expression_lexer(std::string_view text) : text_(text) {}
  token next();

private:
  token number();
  token string(char quote);
  token symbol();

  std::string_view text_;
  std::size_t at_ = 0;
};

// The end of the expression that starts at `from` inside a template string: the offset of its
// closing brace, or npos.
std::size_t template_end(std::string_view text, std::size_t from);

}  // namespace cascade
