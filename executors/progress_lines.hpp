// executors/progress_lines.hpp
//
// The lines a command writes to its progress descriptor: "40 loaded", "40%", "- still loading", or
// an empty line or "-" as a mere sign of life. Fractions are dropped; anything else is a sign of
// life. Private to executors/.
//
// Limits   a line's first progress_line_bytes_max bytes count. Texts are raw bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace cascade {

inline constexpr std::size_t progress_line_bytes_max = 1024;

// Arguments of a beat. The text points into the line.
struct progress_line {
  int percent = -1;
  std::string_view text;
};

progress_line parse_progress_line(std::string_view line) noexcept;

// Cuts a stream of bytes into lines.
class progress_lines {
public:
  // Calls each(progress_line) for every line that the bytes end.
  template <class F>
  void take(std::string_view bytes, F&& each) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      line_.append(piece.substr(0, progress_line_bytes_max - line_.size()));
      begun_ = true;
      if (end == std::string_view::npos) return;
      finish(each);
      bytes.remove_prefix(end + 1);
    }
  }

  // The end of the stream ends a line too.
  template <class F>
  void finish(F&& each) {
    if (begun_) each(parse_progress_line(line_));
    line_.clear();
    begun_ = false;
  }

private:
  std::string line_;
  bool begun_ = false;
};

}  // namespace cascade
