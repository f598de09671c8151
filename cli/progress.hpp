// cli/progress.hpp
//
// The picture of a running job. Pure: from rows to lines of text.
#pragma once

#include <string>
#include <vector>

#include "cli/output.hpp"

namespace cascade {

// `job` is a row of cli_job_progress, `steps` are rows of cli_job_current_steps. No line is wider
// than the terminal.
std::vector<std::string> progress_lines(const json_row& job, const std::vector<json_row>& steps,
                                        const terminal_style& style);

// One line without drawing, for logs: "job 7 running 5/9 completed 4, running 1".
std::string progress_sentence(const json_row& job);

// Draws over what it drew before. Nothing but escape sequences of every terminal since the VT100.
class redrawn_block {
public:
  explicit redrawn_block(std::ostream& out) : out_(out) {}
  ~redrawn_block();  // the cursor is visible again; the last picture stays
  redrawn_block(const redrawn_block&) = delete;
  redrawn_block& operator=(const redrawn_block&) = delete;

  void draw(const std::vector<std::string>& lines);

private:
  std::ostream& out_;
  std::size_t height_ = 0;
  bool hidden_ = false;
};

}  // namespace cascade
