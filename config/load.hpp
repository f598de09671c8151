// config/load.hpp
//
// Merges what the sources say: defaults of the profile < file < CASCADE_* environment < flags.
// Every problem of every source is found in one go, each with its place and what would be right.
//
// Errors   values: settings are usable only when `problems` is empty. Nothing throws but
//          std::bad_alloc.
// Secrets  passwords of a conninfo are in settings.database only; entries, problems and dumps hold
//          none.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.hpp"

namespace cascade {

struct flag_value {
  std::string key;   // dotted
  std::string text;  // as in a file; a list with commas
  std::string flag;  // as the user knows it: --workers
};

struct config_sources {
  std::optional<std::filesystem::path> file;
  std::vector<std::pair<std::string, std::string>>
      environment;  // all of it; names that are not ours are skipped
  std::vector<flag_value> flags;
  bool root = false;
  std::string host_name = "localhost";

  // Environment, user and host of this process; file and flags are left to the caller.
  // CASCADE_CONFIG names the file.
  static config_sources of_process();
};

struct config_problem {
  std::string place;  // file:line:column, or the name of the variable or flag
  std::string message;
};

// One effective setting.
struct config_entry {
  std::string key;
  std::string value;   // as it would stand in a file; no secrets
  std::string origin;  // "default", "file:line:column", "environment CASCADE_X", "flag --x"
};

struct loaded_config {
  settings values;
  std::vector<config_entry> entries;  // one for each key, in the order of the table
  std::vector<config_problem> problems;
};

loaded_config load_settings(const config_sources& sources);

// The same with the text of a file that has been read already; `name` is how it is called in
// messages.
loaded_config load_settings(const config_sources& sources, std::string_view yaml,
                            std::string_view name);

std::string default_data_dir(const config_sources& sources);

// "file:3:1: unknown key ..." one a line.
std::string to_string(const std::vector<config_problem>& problems);

}  // namespace cascade
