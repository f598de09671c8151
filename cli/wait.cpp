#include "cli/wait.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/progress.hpp"
#include "cli/text.hpp"
#include "sql/queries.hpp"
#include "state/duration.hpp"
#include "state/job_state.hpp"
#include "state/task_state.hpp"

namespace cascade {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr milliseconds poll_first{5}, poll_last{250}, redraw_every{100}, steps_every{500};
constexpr int steps_shown_max = 8;

volatile sig_atomic_t interrupted = 0;

extern "C" void on_interrupt(int) {
  interrupted = 1;
  // If the process ends before the loop looks, the cursor is visible all the same.
  static constexpr char show_cursor[] = "\x1b[?25h";
  if (::isatty(STDOUT_FILENO) != 0)
    (void)!::write(STDOUT_FILENO, show_cursor, sizeof show_cursor - 1);
}

// Takes the first interrupt; the second one acts as usual.
class interrupt_guard {
public:
  interrupt_guard() {
    interrupted = 0;
    struct sigaction act {};
    act.sa_handler = on_interrupt;
    act.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &act, &before_int_);
    ::sigaction(SIGTERM, &act, &before_term_);
  }
  ~interrupt_guard() {
    ::sigaction(SIGINT, &before_int_, nullptr);
    ::sigaction(SIGTERM, &before_term_, nullptr);
  }
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;

private:
  struct sigaction before_int_ {};
  struct sigaction before_term_ {};
};

// Ends early on a signal.
void pause_for(milliseconds time) {
  const timespec wanted{time.count() / 1000, (time.count() % 1000) * 1'000'000};
  ::nanosleep(&wanted, nullptr);
}

// Polls `read` until `finished`; `changed` is called with each new row, `idle` between polls.
json_row poll_until(const auto& read, const auto& finished, const auto& changed, const auto& idle,
                    const std::string& what, const wait_options& options) {
  const interrupt_guard guard;
  const auto started = clock::now();
  milliseconds interval = poll_first;
  json_row before;
  while (true) {
    json_row row = read();
    json_row compared = row;
    compared.erase("seconds");
    if (compared != before) {
      changed(row);
      before = std::move(compared);
      interval = poll_first;
    }
    idle(row);
    if (finished(row)) return row;
    if (interrupted != 0) throw cli_failure(exit_interrupted, "interrupted; " + what + " goes on");
    milliseconds next = interval;
    if (options.timeout) {
      const auto left =
          std::chrono::ceil<milliseconds>(*options.timeout - (clock::now() - started));
      if (left <= milliseconds(0))
        throw cli_failure(exit_timed_out,
                          what + " has not finished within " + format_duration(*options.timeout),
                          "it goes on; wait again, or cancel it");
      next = std::min(next, left);
    }
    pause_for(next);
    if (interrupted != 0) throw cli_failure(exit_interrupted, "interrupted; " + what + " goes on");
    interval = std::min(interval * 3 / 2, poll_last);
  }
}

bool job_has_finished(const json_row& job) {
  return is_finished(parse_job_state(job.value("status", "")).value_or(job_state::pending));
}
bool task_has_finished(const json_row& task) {
  return is_finished(parse_task_state(task.value("status", "")).value_or(task_state::waiting));
}

// Draws a job in place on a terminal, or prints a line for each change.
class job_display {
public:
  job_display(cli_context& context, database& db, std::int64_t id, bool on)
      : context_(context),
        db_(db),
        id_(id),
        on_(on),
        draws_(on && context.style.redraws && !context.json),
        block_(context.out) {}

  void changed(const json_row& row) {
    if (on_ && !draws_ && !context_.json)
      context_.err << printable(progress_sentence(row)) << std::endl;
  }
  void idle(const json_row& row) {
    const auto now = clock::now();
    const bool last = job_has_finished(row);
    if (!draws_ || (!last && now - drawn_ < redraw_every)) return;
    drawn_ = now;
    if (last) {
      steps_.clear();
    } else if (now - steps_read_ >= steps_every) {
      steps_read_ = now;
      steps_ = db_.rows(sql::cli_job_current_steps, pg::params{}.int8(id_).int8(steps_shown_max));
    }
    context_.style.width =
        terminal_style::of_stdout(context_.no_colour).width;  // it may have been resized
    block_.draw(progress_lines(row, steps_, context_.style));
  }

private:
  cli_context& context_;
  database& db_;
  std::int64_t id_;
  bool on_, draws_;
  redrawn_block block_;
  clock::time_point drawn_{}, steps_read_{};
  std::vector<json_row> steps_;
};

// Waiting for nobody would look like a hang.
void warn_without_owner(cli_context& context, database& db) {
  if (db.one(sql::cli_status, {}, "state").value("lanes_owned", 0) == 0)
    context.err << "no cascaded is running on this database; waiting for one" << std::endl;
}

}  // namespace

json_row wait_for_job(cli_context& context, database& db, std::int64_t id,
                      const wait_options& options) {
  const std::string what = "job " + std::to_string(id);
  const auto read = [&] { return db.one(sql::cli_job_progress, pg::params{}.int8(id), what); };
  if (!context.json && !job_has_finished(read())) warn_without_owner(context, db);
  {
    job_display display(context, db, id, options.progress);
    poll_until(
        read, job_has_finished, [&](const json_row& r) { display.changed(r); },
        [&](const json_row& r) { display.idle(r); }, what, options);
  }
  return db.one(sql::cli_job_get, pg::params{}.int8(id), what);
}

json_row wait_for_task(cli_context& context, database& db, std::int64_t id,
                       const wait_options& options) {
  const std::string what = "task " + std::to_string(id);
  const auto read = [&] { return db.one(sql::cli_task_get, pg::params{}.int8(id), what); };
  if (!context.json && !task_has_finished(read())) warn_without_owner(context, db);
  const bool lines = options.progress && !context.json;
  std::string status;
  const auto changed = [&](const json_row& r) {
    if (lines && r.value("status", "") != status)
      context.err << what << " " << r.value("status", "") << std::endl;
    status = r.value("status", "");
  };
  return poll_until(
      read, task_has_finished, changed, [](const json_row&) {}, what, options);
}

exit_code exit_of_status(std::string_view status) {
  return status == "completed" || status == "skipped" ? exit_ok : exit_failed;
}

}  // namespace cascade
