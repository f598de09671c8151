#include "cli/usage.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

#include "state/suggest.hpp"

namespace cascade {
namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> out;
  for (const auto* sub :
       app.get_subcommands([](const CLI::App* s) { return !s->get_name().empty(); }))
    out.push_back(sub->get_name());
  return out;
}

const CLI::App* command_of(const CLI::App& app, const std::string& word) {
  const auto names = command_names(app);
  return std::ranges::find(names, word) == names.end() ? nullptr : app.get_subcommand(word);
}

// Options in groups belong to nameless subcommands; those of the parents may stand here, too.
const CLI::Option* option_of(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const auto* option = app->get_option_no_throw(name)) return option;
    for (const auto* group :
         app->get_subcommands([](const CLI::App* s) { return s->get_name().empty(); }))
      if (const auto* option = group->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

bool takes_value(const CLI::App* at, const std::string& word) {
  if (word.size() < 2 || word[0] != '-') return false;
  const auto* option = option_of(at, word);
  return option != nullptr && option->get_items_expected_min() > 0;
}

}  // namespace

std::optional<cli_failure> value_missing(CLI::App& app, int argc, const char* const* argv) {
  const CLI::App* at = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--") break;
    if (word.starts_with("--") && word.ends_with('=') && word.find('=') == word.size() - 1)
      return cli_failure(exit_usage, word + " has no value",
                         "leave the option out, or give it one");
    if (!takes_value(at, word)) {
      if (const auto* sub = command_of(*at, word)) at = sub;
      continue;
    }
    if (++i == argc) break;  // CLI11 says so
    const std::string_view value = argv[i];
    if (value.empty())
      return cli_failure(exit_usage, word + " has an empty value",
                         "leave the option out, or give it one");
    if (value.starts_with("--"))
      return cli_failure(exit_usage, word + " has no value before " + std::string(value),
                         word.starts_with("--")
                             ? "a value that starts with -- is written " + word + "=--VALUE"
                             : "");
  }
  return std::nullopt;
}

cli_failure usage_failure(const CLI::App& app, const std::string& message, int argc,
                          const char* const* argv) {
  const CLI::App* at = &app;
  std::string path = "cascade";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--") break;
    if (takes_value(at, word)) {
      ++i;
      continue;
    }
    if (word.starts_with('-')) continue;
    const auto names = command_names(*at);
    if (names.empty()) break;
    if (const auto* sub = command_of(*at, word)) {
      at = sub;
      path += " " + word;
      continue;
    }
    const auto near = suggestion(word, names);
    return {exit_usage, "\"" + word + "\" is not a command of " + path,
            near.empty() ? "see " + path + " --help" : near};
  }
  const auto names = command_names(*at);
  if (message != "A subcommand is required" || names.empty())
    return {exit_usage, message, "see " + path + " --help"};
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "it is one of " : ", ") + name;
  return {exit_usage, "which command of " + path + "?", all};
}

}  // namespace cascade
