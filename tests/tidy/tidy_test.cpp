// Rules of the tree that no compiler checks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path root = CASCADE_SOURCE_DIR;

// A folder may include itself and what is listed for it.
const std::map<std::string, std::set<std::string>> below{
    {"state", {}},
    {"workflow", {"state"}},
    {"config", {"state"}},
    {"sql", {}},
    {"pg", {"state", "sql"}},
    {"executors", {"state"}},
    {"triggers", {"state", "executors"}},
    {"actors", {"state", "workflow", "sql", "pg", "executors", "triggers"}},
    {"service", {"state", "workflow", "config", "sql", "pg", "executors", "triggers", "actors"}},
    {"cli", {"state", "workflow", "config", "sql", "pg", "executors", "triggers", "service"}},
};

struct source {
  fs::path path;  // from the root
  std::vector<std::string> lines;
};

std::vector<source> sources() {
  std::vector<source> out;
  for (const auto& [folder, allowed] : below)
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const auto ext = entry.path().extension();
      if (ext != ".cpp" && ext != ".hpp") continue;
      source s{fs::relative(entry.path(), root), {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) s.lines.push_back(line);
      out.push_back(std::move(s));
    }
  return out;
}

std::vector<std::string> matches(const std::regex& pattern, const std::set<std::string>& except) {
  std::vector<std::string> out;
  for (const source& s : sources()) {
    if (except.contains(s.path.string())) continue;
    for (std::size_t i = 0; i < s.lines.size(); ++i)
      if (std::regex_search(s.lines[i], pattern))
        out.push_back(s.path.string() + ":" + std::to_string(i + 1));
  }
  return out;
}

TEST(tidy, includes_point_only_downwards) {
  const std::regex include(R"re(^#include "([a-z]+)/)re");
  std::vector<std::string> wrong;
  for (const source& s : sources()) {
    const std::string folder = s.path.begin()->string();
    for (const std::string& line : s.lines) {
      std::smatch m;
      if (!std::regex_search(line, m, include) || m[1] == folder) continue;
      if (!below.contains(m[1]) || !below.at(folder).contains(m[1]))
        wrong.push_back(s.path.string() + ": " + line);
    }
  }
  EXPECT_THAT(wrong, testing::IsEmpty());
}

TEST(tidy, only_pg_includes_libpq) {
  std::vector<std::string> wrong;
  for (const std::string& at : matches(std::regex("#include <(libpq|postgresql/)"), {}))
    if (!at.starts_with("pg/")) wrong.push_back(at);
  EXPECT_THAT(wrong, testing::IsEmpty());
}

TEST(tidy, the_wall_clock_is_read_nowhere) {
  EXPECT_THAT(matches(std::regex("system_clock::now|[^_]time\\(nullptr\\)|gettimeofday"),
                      // The doctor compares the node's clock with the database's; the times of an
                      // expression can be looked at without a database.
                      {"cli/doctor.cpp", "cli/doctor_command.cpp", "cli/schedule_next.cpp"}),
              testing::IsEmpty());
}

TEST(tidy, pure_folders_know_no_clock_no_actors_no_database) {
  std::vector<std::string> wrong;
  for (const std::string& at :
       matches(std::regex("steady_clock::now|#include <caf/|#include <boost/asio"), {}))
    if (at.starts_with("state/") || at.starts_with("triggers/") || at.starts_with("workflow/"))
      wrong.push_back(at);
  EXPECT_THAT(wrong, testing::IsEmpty());
}

TEST(tidy, sql_text_lives_in_sql) {
  std::vector<std::string> wrong;
  for (const std::string& at :
       matches(std::regex(
                   "\"(select|insert into|update|delete from|with) [^\"]*(cascade\\.|from |set )"),
               {}))
    if (!at.starts_with("pg/")) wrong.push_back(at);  // pg/ speaks to the server about itself
  EXPECT_THAT(wrong, testing::IsEmpty());
}

TEST(tidy, files_stay_short) {
  std::vector<std::string> wrong;
  for (const source& s : sources())
    if (s.lines.size() > 325)
      wrong.push_back(s.path.string() + ": " + std::to_string(s.lines.size()));
  EXPECT_THAT(wrong, testing::IsEmpty());
}

TEST(tidy, headers_say_what_they_are_and_guard_themselves) {
  std::vector<std::string> wrong;
  for (const source& s : sources()) {
    if (s.path.extension() != ".hpp") continue;
    const bool names_itself = !s.lines.empty() && s.lines.front() == "// " + s.path.string();
    const bool guarded = std::ranges::find(s.lines, "#pragma once") != s.lines.end();
    if (!names_itself || !guarded) wrong.push_back(s.path.string());
  }
  EXPECT_THAT(wrong, testing::IsEmpty());
}

}  // namespace
