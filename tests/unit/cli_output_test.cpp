#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "cli/context.hpp"
#include "cli/daemon_options.hpp"
#include "cli/doctor.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"

namespace cascade {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct run_result {
  int exit;
  std::string out, err;
};

run_result run(std::vector<const char*> words, const std::string& input = {}) {
  words.insert(words.begin(), "cascade");
  std::istringstream in(input);
  std::ostringstream out, err;
  const int exit = run_cascade(static_cast<int>(words.size()), words.data(), in, out, err);
  return {exit, out.str(), err.str()};
}

TEST(cli_output, widths_count_columns_not_bytes) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("h\xC3\xA9llo"), 5);
  EXPECT_EQ(display_width("e\xCC\x81"), 1);                 // a combining accent
  EXPECT_EQ(display_width("\xE6\x97\xA5\xE6\x9C\xAC"), 4);  // two wide characters
  EXPECT_EQ(fitted("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 4), "\xE6\x97\xA5\xE2\x80\xA6");
  EXPECT_EQ(fitted("abcdef", 4), "abc\xE2\x80\xA6");
  EXPECT_EQ(fitted("abcd", 4), "abcd");
}

TEST(cli_output, nothing_from_outside_can_steer_the_terminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc"), "a\xEF\xBF\xBD[2Jb c");
  EXPECT_EQ(printable("\xC2\x9B[2J"), "\xEF\xBF\xBD[2J");  // the one-character form of ESC [
  EXPECT_EQ(printable("\xFFx"), "\xEF\xBF\xBDx");
  EXPECT_EQ(printable("a\xE2\x80\xAEz"), "a\xEF\xBF\xBDz");  // right-to-left override
  std::ostringstream out;
  print_record(out, {}, {{"error", "x\x1b]0;y\x07z"}, {"payload", {{"k", "\x1b[1m"}}}});
  EXPECT_THAT(out.str(), Not(HasSubstr("\x1b")));
}

TEST(cli_output, tables_align_and_give_way_to_a_narrow_terminal) {
  const std::vector<column> columns{{"id", "id", cell::number},
                                    {"name", "name", cell::text, true},
                                    {"status", "status", cell::status}};
  const std::vector<json_row> rows{
      {{"id", 7}, {"name", "na\xC3\xAFve"}, {"status", "failed"}},
      {{"id", 1234}, {"name", std::string(40, 'x')}, {"status", nullptr}}};
  std::ostringstream wide;
  print_table(wide, {}, columns, rows);
  EXPECT_EQ(wide.str(),
            "  id  name                                      status\n"
            "   7  na\xC3\xAFve                                     failed\n"
            "1234  " +
                std::string(40, 'x') + "\n");
  std::ostringstream narrow;
  print_table(narrow, {.width = 30, .colour = false, .redraws = false}, columns, rows);
  std::istringstream lines(narrow.str());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 30) << line;
  EXPECT_THAT(narrow.str(), HasSubstr("x\xE2\x80\xA6"));
}

TEST(cli_output, colours_appear_only_when_asked_for) {
  EXPECT_EQ(coloured_status({}, "failed"), "failed");
  EXPECT_EQ(coloured_status({.width = 80, .colour = true, .redraws = true}, "failed"),
            "\x1b[31mfailed\x1b[0m");
}

TEST(cli_output, lists_are_arrays_even_when_empty) {
  std::ostringstream out;
  print_json(out, std::vector<json_row>{});
  EXPECT_EQ(out.str(), "[]\n");
}

TEST(cli_output, times_and_durations_are_short) {
  EXPECT_EQ(short_time("2026-11-20T22:07:02.123+00:00"), "2026-11-20 22:07:02");
  EXPECT_EQ(short_time("infinity"), "infinity");
  EXPECT_EQ(short_duration(0.0123), "12ms");
  EXPECT_EQ(short_duration(61.5), "1m 1s");
  EXPECT_EQ(short_duration(90000), "1d 1h");
}

TEST(cli_output, progress_fits_the_terminal_and_fills_the_bar) {
  const json_row job{{"id", 7},
                     {"workflow", std::string(100, 'w')},
                     {"status", "running"},
                     {"seconds", 2.0},
                     {"waiting", 1},
                     {"running", 1},
                     {"completed", 2},
                     {"failed", 0}};
  const std::vector<json_row> steps{{{"step", "load\x1b[2J" + std::string(200, 's')},
                                     {"running", 3},
                                     {"progress", 40},
                                     {"seconds", 1.5}}};
  for (const int width : {20, 40, 200}) {
    const auto lines =
        progress_lines(job, steps, {.width = width, .colour = false, .redraws = true});
    for (const auto& line : lines) EXPECT_LT(display_width(line), width) << line;
  }
  const auto lines = progress_lines(job, steps, {.width = 80, .colour = false, .redraws = true});
  EXPECT_EQ(lines[1], "[" + std::string(30, '#') + std::string(15, '>') + std::string(15, '.') +
                          "] 2/4  2.0s");
  EXPECT_EQ(progress_sentence(job), "job 7 running 2/4: waiting 1, running 1, completed 2");
}

TEST(cli_output, a_redrawn_block_goes_up_as_far_as_it_wrote_and_shows_the_cursor_again) {
  std::ostringstream out;
  {
    redrawn_block block(out);
    block.draw({"a", "b"});
    block.draw({"c"});
  }
  EXPECT_EQ(out.str(), "\x1b[?25l\ra\x1b[K\nb\x1b[K\n\x1b[J\x1b[2A\rc\x1b[K\n\x1b[J\x1b[?25h");
}

TEST(cli_output, wrong_usage_exits_with_2_and_says_what_is_meant) {
  const auto typo = run({"jbo", "list"});
  EXPECT_EQ(typo.exit, 2);
  EXPECT_THAT(typo.err, HasSubstr("\"jbo\" is not a command of cascade"));
  EXPECT_THAT(typo.err, HasSubstr("did you mean \"job\"?"));
  EXPECT_EQ(run({}).exit, 2);
  EXPECT_EQ(run({"job", "list", "--status", "done"}).exit, 2);
  EXPECT_EQ(run({"task", "push", "x", "--payload", "{"}).exit, 2);
  EXPECT_EQ(run({"task", "push", "x", "--timeout", "soon"}).exit, 2);
  EXPECT_EQ(run({"--deadline", "0s", "status"}).exit, 2);
}

TEST(cli_output, errors_are_json_when_json_is_asked_for) {
  const auto result = run({"job", "nope", "--json"});
  const auto error = nlohmann::json::parse(result.err).at("error");
  EXPECT_EQ(error.at("code"), "usage");
  EXPECT_TRUE(error.at("sqlstate").is_null());
  EXPECT_TRUE(result.out.empty());
}

TEST(cli_output, a_directory_without_a_service_is_unreachable_and_says_how_to_start_one) {
  const auto result = run({"--data-dir", "/nonexistent/place", "status"});
  EXPECT_EQ(result.exit, 3);
  EXPECT_THAT(result.err, HasSubstr("no service has run in /nonexistent/place"));
  EXPECT_THAT(result.err, HasSubstr("start it with: cascaded --data-dir /nonexistent/place"));
}

TEST(cli_output, every_command_has_help_with_an_example) {
  for (const auto& words : std::vector<std::vector<const char*>>{{"status"},
                                                                 {"doctor"},
                                                                 {"psql"},
                                                                 {"migrate"},
                                                                 {"console"},
                                                                 {"workflow", "apply"},
                                                                 {"workflow", "validate"},
                                                                 {"workflow", "list"},
                                                                 {"workflow", "show"},
                                                                 {"workflow", "graph"},
                                                                 {"job", "start"},
                                                                 {"job", "list"},
                                                                 {"job", "show"},
                                                                 {"job", "wait"},
                                                                 {"job", "watch"},
                                                                 {"job", "cancel"},
                                                                 {"job", "retry"},
                                                                 {"job", "pause"},
                                                                 {"job", "resume"},
                                                                 {"task", "push"},
                                                                 {"task", "list"},
                                                                 {"task", "show"},
                                                                 {"task", "wait"},
                                                                 {"task", "cancel"},
                                                                 {"task", "retry"},
                                                                 {"task", "explain"},
                                                                 {"queue", "list"},
                                                                 {"queue", "pause"},
                                                                 {"queue", "resume"},
                                                                 {"config", "show"},
                                                                 {"config", "check"},
                                                                 {"config", "reference"}}) {
    auto with_help = words;
    with_help.push_back("--help");
    const auto result = run(with_help);
    EXPECT_EQ(result.exit, 0) << words.back();
    EXPECT_THAT(result.out, HasSubstr("Example")) << words.back();
  }
}

TEST(cli_output, the_reference_of_the_configuration_is_the_file_in_docs) {
  std::ifstream file(std::string(CASCADE_SOURCE_DIR) + "/docs/configuration.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(run({"config", "reference"}).out, text.str());
}

TEST(cli_output, a_workflow_file_is_checked_without_a_database) {
  const auto good =
      run({"workflow", "validate", "-"}, "name: w\nsteps:\n  - name: a\n    handler: noop\n");
  EXPECT_EQ(good.exit, 0) << good.err;
  const auto bad = run({"workflow", "validate", "-", "--json"}, "name: w\nsteps: 3\n");
  EXPECT_EQ(bad.exit, 2);
  EXPECT_FALSE(nlohmann::json::parse(bad.out).at("valid"));
  EXPECT_THAT(
      run({"workflow", "graph", "-"}, "name: w\nsteps:\n  - name: a\n    handler: noop\n").out,
      HasSubstr("flowchart"));
}

TEST(cli_output, the_doctor_tells_what_is_wrong_with_a_server) {
  const json_row poor{{"version", "13.1"},
                      {"version_num", 130001},
                      {"in_recovery", true},
                      {"backend_pid", 5},
                      {"user", "u"},
                      {"superuser", false},
                      {"may_be_engine", false},
                      {"roles", json_row::array()},
                      {"fsync", "off"},
                      {"full_page_writes", "on"},
                      {"synchronous_commit", "on"},
                      {"autovacuum", "off"},
                      {"max_connections", 20},
                      {"reserved_connections", 3},
                      {"connections", 15}};
  std::map<std::string, doctor_check> checks;
  for (auto& c : server_checks(poor, 6)) checks[c.name] = c;
  for (const char* name : {"server version", "primary", "roles", "durability", "autovacuum"})
    EXPECT_EQ(checks[name].verdict, doctor_check::fail) << name;
  for (const char* name : {"pooler", "rights", "connections"})
    EXPECT_EQ(checks[name].verdict, doctor_check::warn) << name;
  for (const auto& [name, c] : checks) EXPECT_FALSE(c.advice.empty()) << name;
  EXPECT_EQ(clock_check(100.5, 100.0, 101.0).verdict, doctor_check::ok);
  EXPECT_EQ(clock_check(200.0, 100.0, 101.0).verdict, doctor_check::warn);
}

TEST(cli_output, flags_of_the_daemon_are_the_strongest_source) {
  config_sources sources;
  sources.environment = {{"HOME", "/home/ann"}, {"CASCADE_WORKERS", "5"}};
  const auto parse = [&](std::vector<const char*> words) {
    words.insert(words.begin(), "cascaded");
    std::ostringstream out, err;
    auto result =
        parse_daemon_options(static_cast<int>(words.size()), words.data(), out, err, sources);
    return std::pair{std::move(result), out.str() + err.str()};
  };
  const auto good = parse({"--workers", "9", "--data-dir", "/srv/c", "--tag", "gpu", "--tag", "eu",
                           "--log-level", "debug"})
                        .first;
  ASSERT_FALSE(good.exit);
  EXPECT_EQ(good.config.values.workers, 9);
  EXPECT_EQ(good.config.values.data_dir, "/srv/c");
  EXPECT_EQ(good.config.values.tags, (std::vector<std::string>{"gpu", "eu"}));
  EXPECT_EQ(good.config.values.log.level, log_level::debug);

  const auto [bad, complaint] = parse({"--workers", "lots", "--profile", "fast"});
  EXPECT_EQ(bad.exit, 2);
  EXPECT_THAT(complaint, HasSubstr("--workers: workers: must be a whole number"));
  EXPECT_THAT(complaint, HasSubstr("--profile: profile: must be balanced"));
  EXPECT_EQ(parse({"--wrokers", "1"}).first.exit, 2);
  EXPECT_EQ(parse({"--help"}).first.exit, 0);
  EXPECT_THAT(parse({"--help"}).second, HasSubstr("engine.batch_rows_max"));
}

}  // namespace
}  // namespace cascade
