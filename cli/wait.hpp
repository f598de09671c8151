// cli/wait.hpp
//
// Waits until a job or a task has finished, by reading its row again and again: at once, then after
// 5 ms, then at growing intervals up to 250 ms; a change brings the interval back down. One
// primary-key read each time, so that waiting costs the database next to nothing and a short job is
// still seen within milliseconds.
//
// Display  with a terminal and `watch`, progress is drawn in place and taken away again on Ctrl-C;
//          without one, a line is printed to standard error whenever something changed.
// Signals  SIGINT and SIGTERM end the waiting (exit 130), not the job; a second one ends the
//          process.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "cli/context.hpp"

namespace cascade {

struct wait_options {
  bool progress = true;                              // draw, or print lines
  std::optional<std::chrono::milliseconds> timeout;  // exit_timed_out when it passes
};

// Returns the finished row of cascade.jobs or cascade.tasks. Throws cli_failure (not found, timed
// out, interrupted).
json_row wait_for_job(cli_context& context, database& db, std::int64_t id,
                      const wait_options& options);
json_row wait_for_task(cli_context& context, database& db, std::int64_t id,
                       const wait_options& options);

// 0 for completed (and skipped), 1 for what failed, was cancelled or quarantined.
exit_code exit_of_status(std::string_view status);

}  // namespace cascade
