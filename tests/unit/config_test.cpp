#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "config/conninfo.hpp"
#include "config/document.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"
#include "config/reference.hpp"

namespace cascade {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

config_sources plain_sources() {
  config_sources out;
  out.environment = {{"HOME", "/home/ann"}, {"PATH", "/bin"}};
  out.host_name = "box";
  return out;
}

loaded_config from_file(std::string_view yaml) {
  return load_settings(plain_sources(), yaml, "c.yaml");
}

loaded_config from_variable(std::string name, std::string text) {
  auto sources = plain_sources();
  sources.environment.emplace_back(std::move(name), std::move(text));
  return load_settings(sources);
}

std::string only_problem(const loaded_config& config) {
  EXPECT_EQ(config.problems.size(), 1u) << to_string(config.problems);
  return config.problems.empty() ? "" : config.problems[0].place + "|" + config.problems[0].message;
}

const config_entry& entry(const loaded_config& config, std::string_view key) {
  const auto found = std::ranges::find(config.entries, key, &config_entry::key);
  EXPECT_NE(found, config.entries.end()) << key;
  return *found;
}

std::string file_text(const std::string& path) {
  std::ifstream in(std::string(CASCADE_SOURCE_DIR) + "/" + path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(config, nothing_said_gives_the_defaults_of_balanced) {
  const auto config = load_settings(plain_sources());
  EXPECT_TRUE(config.problems.empty()) << to_string(config.problems);
  EXPECT_EQ(config.values.workers, 32);
  EXPECT_EQ(config.values.handler_threads, 32);
  EXPECT_EQ(config.values.data_dir, "/home/ann/.local/state/cascade");
  EXPECT_EQ(config.values.console.socket, "/home/ann/.local/state/cascade/console/socket");
  EXPECT_EQ(config.values.node_name, "box");
  EXPECT_EQ(config.values.engine.running_after, 20ms);
  EXPECT_EQ(config.values.engine.ready_max, 400'000);
  EXPECT_EQ(config.values.engine.body_bytes_max, 16 << 20);
  EXPECT_EQ(config.values.tasks.retry.kind, retry_kind::exponential);
  EXPECT_EQ(config.values.handlers.commands_json, "{}");
  EXPECT_EQ(entry(config, "workers").origin, "default");
}

TEST(config, the_data_directory_follows_user_and_xdg) {
  auto sources = plain_sources();
  sources.environment.emplace_back("XDG_STATE_HOME", "/state");
  EXPECT_EQ(default_data_dir(sources), "/state/cascade");
  sources.environment.back().second = "relative";
  EXPECT_EQ(default_data_dir(sources), "/home/ann/.local/state/cascade");
  sources.root = true;
  EXPECT_EQ(default_data_dir(sources), "/var/lib/cascade");
}

TEST(config, file_then_environment_then_flags_win_and_the_origin_is_kept) {
  auto sources = plain_sources();
  const std::string_view yaml = "workers: 1\nengine:\n  fold_every: 1s\n  batch_rows_max: 7\n";
  sources.environment.emplace_back("CASCADE_ENGINE_FOLD_EVERY", "2s");
  sources.environment.emplace_back("CASCADE_WORKERS", "2");
  sources.flags.push_back({"workers", "3", "--workers"});
  const auto config = load_settings(sources, yaml, "c.yaml");
  ASSERT_TRUE(config.problems.empty()) << to_string(config.problems);
  EXPECT_EQ(config.values.workers, 3);
  EXPECT_EQ(config.values.engine.fold_every, 2s);
  EXPECT_EQ(config.values.engine.batch_rows_max, 7);
  EXPECT_EQ(entry(config, "workers").origin, "flag --workers");
  EXPECT_EQ(entry(config, "engine.fold_every").origin, "environment CASCADE_ENGINE_FOLD_EVERY");
  EXPECT_EQ(entry(config, "engine.batch_rows_max").origin, "c.yaml:4:3");
}

TEST(config, a_profile_changes_defaults_and_nothing_that_was_said) {
  const auto config = from_file("profile: high_throughput\nengine: {batch_rows_max: 9}\n");
  EXPECT_EQ(config.values.profile, profile_kind::high_throughput);
  EXPECT_EQ(config.values.engine.batch_rows_max, 9);
  EXPECT_EQ(config.values.engine.running_after, 100ms);
  EXPECT_EQ(from_file("profile: low_latency").values.engine.inbox_poll_awake, 1ms);
  EXPECT_EQ(from_variable("CASCADE_PROFILE", "low_latency").values.engine.batches_in_flight, 4);
}

TEST(config, an_unknown_key_is_reported_with_place_and_suggestion) {
  EXPECT_EQ(
      only_problem(from_file("workers: 3\nengine:\n    batch_row_max: 10\n")),
      "c.yaml:3:5|unknown key \"engine.batch_row_max\"; did you mean \"engine.batch_rows_max\"?");
  EXPECT_THAT(only_problem(from_file("fold_every: 1s")),
              HasSubstr("did you mean \"engine.fold_every\"?"));
  EXPECT_THAT(only_problem(from_file("qqqqqqqq: 1")), Not(HasSubstr("did you mean")));
  EXPECT_THAT(only_problem(from_file("profile: low_latncy")),
              HasSubstr("did you mean \"low_latency\"?"));
}

TEST(config, an_unknown_variable_is_reported_but_not_those_that_are_no_settings) {
  EXPECT_EQ(only_problem(from_variable("CASCADE_WORKER", "3")),
            "environment variable CASCADE_WORKER|there is no such setting; did you mean "
            "\"CASCADE_WORKERS\"?");
  for (const char* name : {"CASCADE_SEED", "CASCADE_TEST_X", "CASCADE_CONFIG"})
    EXPECT_TRUE(from_variable(name, "x").problems.empty()) << name;
}

TEST(config, the_usual_variable_names_the_database_and_ours_wins) {
  EXPECT_EQ(from_variable("CASCADE_DATABASE_URL", "postgres://h/a").values.database,
            "postgres://h/a");
  auto sources = plain_sources();
  sources.environment.emplace_back("CASCADE_DATABASE", "host=b");
  sources.environment.emplace_back("CASCADE_DATABASE_URL", "host=a");
  EXPECT_EQ(load_settings(sources).values.database, "host=b");
}

TEST(config, all_problems_of_all_sources_come_at_once) {
  auto sources = plain_sources();
  sources.environment.emplace_back("CASCADE_WORKERS", "many");
  sources.flags.push_back({"log.level", "loud", "--log-level"});
  const auto config = load_settings(sources, "workers: 0\nnope: 1\nlog: 3\n", "c.yaml");
  const auto text = to_string(config.problems);
  EXPECT_EQ(config.problems.size(), 5u) << text;
  EXPECT_THAT(text, HasSubstr("c.yaml:1:10: workers: 0 is out of range, allowed is 1 to 16384"));
  EXPECT_THAT(text, HasSubstr("c.yaml:2:1: unknown key \"nope\""));
  EXPECT_THAT(text, HasSubstr("c.yaml:3:6: log: must be a map of keys"));
  EXPECT_THAT(
      text,
      HasSubstr("CASCADE_WORKERS: workers: must be a whole number, 1 to 16384; not \"many\""));
  EXPECT_THAT(
      text,
      HasSubstr(
          "--log-level: log.level: must be trace, debug, info, warn, error or off; not \"loud\""));
}

TEST(config, every_range_holds_at_its_edges) {
  for (const auto& key : all_keys()) {
    const bool amount = key.kind == key_kind::integer || key.kind == key_kind::real ||
                        key.kind == key_kind::duration || key.kind == key_kind::bytes;
    if (!amount) continue;
    const auto text = [&](double n) {
      const auto whole = std::to_string(static_cast<long long>(n));
      return key.kind == key_kind::duration ? whole + "ms"
             : key.kind == key_kind::real   ? std::to_string(n)
                                            : whole;
    };
    const auto accepted = [&](double n) {
      return parse_value(key, raw_value::scalar(text(n))).value.has_value();
    };
    EXPECT_TRUE(accepted(key.min)) << key.name;
    EXPECT_TRUE(accepted(key.max)) << key.name;
    EXPECT_FALSE(accepted(key.min - 1)) << key.name;
    EXPECT_FALSE(accepted(key.max + 1)) << key.name;
  }
}

TEST(config, every_default_of_every_profile_is_valid) {
  for (const auto name : profile_names) {
    const auto config = from_variable("CASCADE_PROFILE", std::string(name));
    EXPECT_TRUE(config.problems.empty()) << name << to_string(config.problems);
    for (const auto& key : all_keys())
      for (const auto text : key.defaults)
        EXPECT_TRUE(!key.default_note.empty() ||
                    parse_value(key, raw_value::scalar(std::string(text))).value)
            << key.name << " " << text;
  }
}

TEST(config, keys_and_variables_are_unique_and_documented) {
  std::set<std::string> variables;
  for (const auto& key : all_keys()) {
    EXPECT_TRUE(variables.insert(environment_name(key)).second) << key.name;
    EXPECT_GT(key.doc.size(), 10u) << key.name;
    EXPECT_TRUE(key.doc.ends_with('.')) << key.name;
  }
}

TEST(config, durations_and_sizes_carry_units) {
  EXPECT_EQ(from_file("engine: {fold_every: 20ms}").values.engine.fold_every, 20ms);
  EXPECT_EQ(from_file("engine: {fold_every: 1.5s}").values.engine.fold_every, 1500ms);
  EXPECT_EQ(from_file("engine: {fold_every: 2}").values.engine.fold_every, 2s);
  for (const char* bad : {"1 year", "-1s", "ms", "1e3s", "0x1s", "inf"})
    EXPECT_THAT(only_problem(from_file("engine: {fold_every: " + std::string(bad) + "}")),
                HasSubstr("a duration such as"));
  EXPECT_EQ(parse_bytes("16MiB"), 16 << 20);
  EXPECT_EQ(parse_bytes("1.5 KiB"), 1536);
  EXPECT_EQ(parse_bytes("100"), 100);
  for (const char* bad : {"16MB", "0.3B", "", "-1", "MiB", "1e3", "inf"})
    EXPECT_FALSE(parse_bytes(bad)) << bad;
  EXPECT_EQ(format_bytes(3 << 20), "3MiB");
  EXPECT_EQ(format_bytes(0), "0B");
}

TEST(config, wrong_types_are_refused) {
  EXPECT_THAT(only_problem(from_file("workers: [1]")), HasSubstr("not a list"));
  EXPECT_THAT(only_problem(from_file("workers: 1.5")), HasSubstr("whole number"));
  EXPECT_THAT(only_problem(from_file("workers: nan")), HasSubstr("whole number"));
  EXPECT_THAT(only_problem(from_file("workers:")), HasSubstr("has no value"));
  EXPECT_THAT(only_problem(from_file("tags: [a, [b]]")), HasSubstr("empty entry"));
  EXPECT_THAT(only_problem(from_file("- a\n- b\n")), HasSubstr("is a map of keys"));
  EXPECT_THAT(only_problem(from_file("tasks: {retry: {base: 2h}}")),
              HasSubstr("must not be less than"));
}

TEST(config, commands_are_kept_as_json_with_texts_as_arguments) {
  const auto config = from_file(
      "handlers:\n  commands:\n    nap: [sleep, 1, true]\n    all:\n      argv: [env]\n"
      "      env: {PORT: 80}\n      success_codes: [0, 3]\n");
  ASSERT_TRUE(config.problems.empty()) << to_string(config.problems);
  EXPECT_EQ(nlohmann::json::parse(config.values.handlers.commands_json),
            nlohmann::json::parse(R"({"nap": ["sleep", "1", "true"],
                                      "all": {"argv": ["env"], "env": {"PORT": "80"}, "success_codes": [0, 3]}})"));
  EXPECT_EQ(entry(config, "handlers.commands").value, "{all, nap}");
  EXPECT_THAT(only_problem(from_file("handlers: {commands: {x: []}}")),
              HasSubstr("handler \"x\" must be a list"));
  EXPECT_TRUE(from_variable("CASCADE_HANDLERS_COMMANDS", R"({"a": ["b"]})").problems.empty());
}

TEST(config, lists_come_from_files_and_variables) {
  EXPECT_EQ(from_file("tags: [gpu, eu]").values.tags, (std::vector<std::string>{"gpu", "eu"}));
  EXPECT_EQ(from_variable("CASCADE_TAGS", "gpu, eu").values.tags,
            (std::vector<std::string>{"gpu", "eu"}));
}

TEST(config, hostile_files_are_refused_quickly) {
  EXPECT_THAT(only_problem(from_file("a: &x [1]\n")), HasSubstr("anchors are not allowed"));
  EXPECT_THAT(only_problem(from_file("a: *x\n")), HasSubstr("c.yaml:1:"));
  EXPECT_THAT(only_problem(from_file(std::string(5000, '['))), HasSubstr("nested deeper"));
  EXPECT_THAT(only_problem(from_file("workers: 1\n---\nworkers: 2\n")),
              HasSubstr("only one document"));
  EXPECT_THAT(only_problem(from_file("workers: 1\nworkers: 2\n")),
              HasSubstr("c.yaml:2:1|\"workers\" stands here a second time"));
  EXPECT_THAT(only_problem(from_file(std::string(document_bytes_max + 1, '#'))),
              HasSubstr("larger than 1MiB"));
  EXPECT_THAT(only_problem(from_file("a: !!binary x")), HasSubstr("tags"));
  EXPECT_THAT(only_problem(from_file("workers: [1\n")), HasSubstr("not valid YAML"));
}

TEST(config, a_file_that_is_not_there_is_a_problem) {
  auto sources = plain_sources();
  sources.file = "/nonexistent/cascade.yaml";
  EXPECT_THAT(only_problem(load_settings(sources)), HasSubstr("cannot be read"));
  sources.file = "/tmp";
  EXPECT_THAT(only_problem(load_settings(sources)), HasSubstr("cannot be read"));
}

TEST(config, passwords_never_reach_the_dump) {
  for (const char* conninfo :
       {"host=a password='s3 cret' dbname=b", "postgresql://u:s3%20cret@h:1/b?sslmode=require",
        "host=a sslpassword=s3cret", "garbage s3cret", "postgres://h/b?password=s3cret"}) {
    const auto config = from_variable("CASCADE_DATABASE", conninfo);
    EXPECT_THAT(configuration_dump(config), Not(HasSubstr("s3"))) << conninfo;
    EXPECT_EQ(config.values.database, conninfo);
  }
  EXPECT_EQ(conninfo_without_secrets("host=a password=x dbname='my db'"),
            "host=a password=*** dbname='my db'");
}

TEST(config, connection_strings_come_apart_as_libpq_reads_them) {
  using parts = conninfo_parts;
  EXPECT_EQ(*parse_conninfo(" host = a  user='it\\'s me' password='' "),
            (parts{{"host", "a"}, {"user", "it's me"}, {"password", ""}}));
  EXPECT_EQ(*parse_conninfo("postgresql://u:p%40@[::1]:5,h2/db?sslmode=require"),
            (parts{{"user", "u"},
                   {"password", "p@"},
                   {"host", "::1,h2"},
                   {"port", "5,"},
                   {"dbname", "db"},
                   {"sslmode", "require"}}));
  for (const char* bad : {"host", "host=a b", "host='a", "postgres://%zz@h"})
    EXPECT_FALSE(parse_conninfo(bad)) << bad;
  EXPECT_EQ(parse_conninfo(join_conninfo({{"user", "a b'\\"}}))->front().second, "a b'\\");
}

TEST(config, the_reference_in_docs_is_what_the_table_prints) {
  if (std::getenv("CASCADE_TEST_WRITE_DOCS") != nullptr)
    std::ofstream(std::string(CASCADE_SOURCE_DIR) + "/docs/configuration.md")
        << configuration_markdown();
  EXPECT_EQ(file_text("docs/configuration.md"), configuration_markdown())
      << "write it again: cascade config reference > docs/configuration.md";
}

TEST(config, the_example_is_valid_shows_every_key_and_stays_valid_when_all_is_switched_on) {
  const auto example = file_text("config/examples/cascade.yaml");
  const auto as_it_is = from_file(example);
  EXPECT_TRUE(as_it_is.problems.empty()) << to_string(as_it_is.problems);
  const auto defaults = load_settings(plain_sources());
  for (std::size_t i = 0; i < defaults.entries.size(); ++i)
    EXPECT_EQ(as_it_is.entries[i].value, defaults.entries[i].value) << defaults.entries[i].key;

  std::string all_on;
  for (std::size_t i = 0; i < example.size(); ++i) {
    const bool first = example.find_last_not_of(' ', i == 0 ? 0 : i - 1) == std::string::npos ||
                       i == 0 || example[example.find_last_not_of(' ', i - 1)] == '\n';
    if (example[i] == '#' && first && i + 1 < example.size() &&
        std::isalpha(static_cast<unsigned char>(example[i + 1])))
      continue;
    all_on += example[i];
  }
  const auto switched_on = from_file(all_on);
  EXPECT_TRUE(switched_on.problems.empty()) << to_string(switched_on.problems);
  for (const auto& e : switched_on.entries) EXPECT_THAT(e.origin, HasSubstr("c.yaml:")) << e.key;
}

}  // namespace
}  // namespace cascade
