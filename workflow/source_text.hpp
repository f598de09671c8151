// workflow/source_text.hpp
//
// The text of a workflow file and where things are in it, for messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cascade {

// Lines and columns count from 1, columns in characters; 0: unknown.
struct text_position {
  int line = 0;
  int column = 0;
};

class source_text {
public:
  explicit source_text(std::string_view text);  // must outlive this

  std::string_view text() const noexcept { return text_; }
  text_position position(std::size_t byte) const;
  // From the parser's line and byte column, both from 0.
  std::size_t byte_at(int line, int column) const;
  // The byte of `offset` within the value of the YAML scalar that starts at `byte`: quotes, escapes
  // and the indentation of blocks are stepped over. Folded texts are found to within their line.
  std::size_t byte_in_scalar(std::size_t byte, std::size_t offset) const;

private:
  std::size_t in_block(std::size_t byte, std::size_t offset) const;
  std::size_t in_flow(std::size_t byte, std::size_t offset) const;

  std::string_view text_;
  std::vector<std::size_t> lines_;  // byte of each line's start
};

// Byte positions of keys and values by path.
class source_map {
public:
  struct entry {
    std::size_t key = std::string_view::npos;  // none for the items of a list
    std::size_t value = 0;
  };
  void put(const std::vector<std::string>& path, entry where);
  // Of the path, or of the nearest parent that is known; `exact` tells which.
  entry find(std::vector<std::string> path, bool& exact) const;

private:
  static std::string joined(const std::vector<std::string>& path);
  std::unordered_map<std::string, entry> entries_;
};

}  // namespace cascade
