#include "workflow/source_text.hpp"

#include <algorithm>

namespace cascade {

source_text::source_text(std::string_view text) : text_(text), lines_{0} {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') lines_.push_back(i + 1);
}

text_position source_text::position(std::size_t byte) const {
  byte = std::min(byte, text_.size());
  const auto line = std::upper_bound(lines_.begin(), lines_.end(), byte) - 1;
  const auto from = text_.begin() + static_cast<std::ptrdiff_t>(*line);
  const auto column = std::count_if(from, text_.begin() + static_cast<std::ptrdiff_t>(byte),
                                    [](char c) { return (c & 0xC0) != 0x80; });
  return {static_cast<int>(line - lines_.begin()) + 1, static_cast<int>(column) + 1};
}

std::size_t source_text::byte_at(int line, int column) const {
  if (line < 0 || column < 0) return 0;
  const auto at = std::min(static_cast<std::size_t>(line), lines_.size() - 1);
  return std::min(lines_[at] + static_cast<std::size_t>(column), text_.size());
}

std::size_t source_text::byte_in_scalar(std::size_t byte, std::size_t offset) const {
  if (byte >= text_.size()) return text_.size();
  const char style = text_[byte];
  return style == '|' || style == '>' ? in_block(byte, offset) : in_flow(byte, offset);
}

std::size_t source_text::in_block(std::size_t byte, std::size_t offset) const {
  std::size_t at = text_.find('\n', byte);
  if (at == text_.npos) return byte;
  const std::size_t first = text_.find_first_not_of(" \r\n", at);
  if (first == text_.npos) return byte;
  const std::size_t indent = first - (text_.rfind('\n', first) + 1);
  for (++at; at < text_.size();) {
    const std::size_t end = std::min(text_.find('\n', at), text_.size());
    const std::size_t start = std::min(at + indent, end);
    if (offset <= end - start) return start + offset;
    offset -= end - start + 1;
    at = end + 1;
  }
  return text_.size();
}

std::size_t source_text::in_flow(std::size_t byte, std::size_t offset) const {
  const char quote = text_[byte] == '"' || text_[byte] == '\'' ? text_[byte] : '\0';
  std::size_t at = quote ? byte + 1 : byte;
  while (offset > 0 && at < text_.size()) {
    std::size_t raw = 1, read = 1;
    if (quote == '"' && text_[at] == '\\' && at + 1 < text_.size()) {
      const char kind = text_[at + 1];
      raw = kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
      // What \u.... stands for has 1 to 3 bytes.
      if (kind == 'u')
        read = text_.substr(at + 2, 2) == "00"               ? 1
               : text_[at + 2] == '0' && text_[at + 3] < '8' ? 2
                                                             : 3;
    } else if (quote == '\'' && text_.substr(at, 2) == "''") {
      raw = 2;
    } else if (text_[at] == '\n') {  // folded: one blank
      while (at + raw < text_.size() && (text_[at + raw] == ' ' || text_[at + raw] == '\t')) ++raw;
    }
    at += raw;
    offset -= std::min(offset, read);
  }
  return std::min(at, text_.size());
}

void source_map::put(const std::vector<std::string>& path, entry where) {
  entries_[joined(path)] = where;
}

source_map::entry source_map::find(std::vector<std::string> path, bool& exact) const {
  exact = true;
  while (true) {
    const auto found = entries_.find(joined(path));
    if (found != entries_.end()) return found->second;
    if (path.empty()) return {};
    path.pop_back();
    exact = false;
  }
}

// NUL cannot be part of a key: such files are refused.
std::string source_map::joined(const std::vector<std::string>& path) {
  std::string out;
  for (const std::string& key : path) (out += key) += '\0';
  return out;
}

}  // namespace cascade
