// The words of task_verdict are the same wherever they are listed. SQL: tests/db/schema_dbtest.cpp.
#include "state/task_verdict.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "cli/context.hpp"

namespace cascade {
namespace {

using words = std::vector<std::string>;

const words all(task_verdict_names.begin(), task_verdict_names.end());

// The words in backticks that begin a row of the table under `heading`.
words listed(const std::string& file, const std::string& heading) {
  std::ifstream in(std::string(CASCADE_SOURCE_DIR) + file);
  words out;
  bool here = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) here = line == heading;
    if (!here || !line.starts_with("| `")) continue;
    std::istringstream cell(line.substr(2, line.find('|', 1) - 2));
    for (std::string word; cell >> word;) {
      const auto end = word.rfind('`');
      if (word.starts_with('`')) out.push_back(word.substr(1, end - 1));
    }
  }
  return out;
}

TEST(task_verdict, the_documentation_lists_every_word_in_order) {
  EXPECT_EQ(listed("/docs/operating.md", "## Why is this not running?"), all);
}

TEST(task_verdict, the_help_of_explain_lists_every_word_in_order) {
  const std::vector<const char*> argv{"cascade", "task", "explain", "--help"};
  std::istringstream in;
  std::ostringstream out, err;
  ASSERT_EQ(run_cascade(static_cast<int>(argv.size()), argv.data(), in, out, err), 0);
  std::istringstream text(out.str().substr(out.str().find("The verdicts")));
  words lines;
  for (std::string line; std::getline(text, line);)
    if (const auto word = line.find_first_not_of(' '); word == 2) lines.push_back(line.substr(2));
  lines.resize(std::min(lines.size(), all.size()));  // the examples follow
  EXPECT_EQ(lines, all);
}

TEST(task_verdict, what_is_waited_for_has_the_words_of_the_rows) {
  for (const auto reason : waiting_reason_names)
    EXPECT_EQ(std::ranges::count(task_verdict_names, reason), 1) << reason;
  for (const auto state : task_state_names)
    EXPECT_EQ(std::ranges::count(task_verdict_names, state),
              *parse_task_state(state) >= task_state::running ? 1 : 0)
        << state;
}

}  // namespace
}  // namespace cascade
