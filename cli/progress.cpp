#include "cli/progress.hpp"

#include <algorithm>
#include <array>
#include <ostream>

#include "cli/text.hpp"
#include "state/task_state.hpp"

namespace cascade {
namespace {

std::int64_t count_of(const json_row& job, std::string_view state) {
  return job.value(std::string(state), std::int64_t{0});
}

struct totals {
  std::int64_t all = 0, finished = 0, succeeded = 0, running = 0;
};

totals totals_of(const json_row& job) {
  totals t;
  for (std::size_t i = 0; i < task_state_names.size(); ++i) {
    const auto n = count_of(job, task_state_names[i]);
    t.all += n;
    if (is_finished(static_cast<task_state>(i))) t.finished += n;
  }
  t.succeeded = count_of(job, "completed") + count_of(job, "skipped");
  t.running = count_of(job, "running");
  return t;
}

std::string repeated(std::string_view piece, std::int64_t times) {
  std::string out;
  for (std::int64_t i = 0; i < times; ++i) out += piece;
  return out;
}

std::string bar(const totals& t, int width, const terminal_style& style) {
  const auto part = [&](std::int64_t n) { return t.all == 0 ? 0 : n * width / t.all; };
  const auto good = part(t.succeeded), done = part(t.finished), busy = part(t.finished + t.running);
  const auto paint = [&](const char* code, std::string text) {
    return style.colour && !text.empty() ? std::string("\x1b[") + code + "m" + text + "\x1b[0m"
                                         : text;
  };
  return "[" + paint("32", repeated("#", good)) + paint("31", repeated("!", done - good)) +
         paint("36", repeated(">", busy - done)) + repeated(".", width - busy) + "]";
}

std::string counts(const json_row& job) {
  std::string out;
  for (const auto state : task_state_names)
    if (const auto n = count_of(job, state); n != 0)
      out += (out.empty() ? "" : ", ") + std::string(state) + " " + std::to_string(n);
  return out.empty() ? "no tasks yet" : out;
}

}  // namespace

std::vector<std::string> progress_lines(const json_row& job, const std::vector<json_row>& steps,
                                        const terminal_style& style) {
  const int width = std::max(style.width, 20) - 1;  // the last column would wrap
  const totals t = totals_of(job);
  const std::string status = job.value("status", "");
  const std::string numbers = " " + std::to_string(t.finished) + "/" + std::to_string(t.all) +
                              "  " + short_duration(job.value("seconds", 0.0));
  const std::string name = job.contains("workflow") && job["workflow"].is_string()
                               ? " " + job["workflow"].get<std::string>()
                               : "";
  const std::string title = fitted(
      printable("job " + std::to_string(job.value("id", std::int64_t{0})) + name), width - 11);
  std::vector<std::string> lines;
  lines.push_back(title + "  " + coloured_status(style, status));
  const int bar_width = std::min(60, width - display_width(numbers) - 2);
  lines.push_back(bar_width >= 8 ? bar(t, bar_width, style) + numbers : fitted(numbers, width));
  lines.push_back(fitted(counts(job), width));
  for (const auto& s : steps) {
    std::string line = "  " + printable(s.value("step", "?"));
    if (const auto n = s.value("running", std::int64_t{1}); n > 1) line += " x" + std::to_string(n);
    if (s.contains("progress") && s["progress"].is_number())
      line += " " + std::to_string(s["progress"].get<int>()) + "%";
    if (s.contains("seconds") && s["seconds"].is_number())
      line += "  " + short_duration(s["seconds"].get<double>());
    lines.push_back(fitted(line, width));
  }
  return lines;
}

std::string progress_sentence(const json_row& job) {
  const totals t = totals_of(job);
  return "job " + std::to_string(job.value("id", std::int64_t{0})) + " " + job.value("status", "") +
         " " + std::to_string(t.finished) + "/" + std::to_string(t.all) + ": " + counts(job);
}

redrawn_block::~redrawn_block() {
  if (hidden_) out_ << "\x1b[?25h" << std::flush;
}

void redrawn_block::draw(const std::vector<std::string>& lines) {
  std::string text;
  if (!hidden_) text += "\x1b[?25l";
  hidden_ = true;
  if (height_ > 0) text += "\x1b[" + std::to_string(height_) + "A";
  text += "\r";
  for (const auto& line : lines) text += line + "\x1b[K\n";
  text += "\x1b[J";  // what was lower than the new picture
  height_ = lines.size();
  out_ << text << std::flush;
}

}  // namespace cascade
