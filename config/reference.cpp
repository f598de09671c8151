#include "config/reference.hpp"

#include "config/keys.hpp"

namespace cascade {
namespace {

constexpr std::string_view preamble = R"(# Configuration

<!-- Printed by `cascade config reference` from config/keys.cpp; a test compares. Edit the table there. -->

`cascaded` runs without any configuration. What it uses is, each source overriding the one before:

1. the defaults of the profile,
2. a YAML file: `--config FILE`, or the environment variable `CASCADE_CONFIG`,
3. environment variables: the key in capitals, dots as underscores, behind `CASCADE_`, so `engine.fold_every` is
   `CASCADE_ENGINE_FOLD_EVERY`,
4. flags of `cascaded`: `--data-dir`, `--database`, `--profile`, `--workers`, `--log-level`, `--node-name`, `--tag`.

`cascade config show` prints what results and where each value comes from, without passwords; `cascade config check FILE` looks for
mistakes. An unknown key or variable, a value of the wrong type or out of its range, and a key that stands twice keep the service from
starting; all of them are reported at once, with file, line and column. `CASCADE_DATABASE_URL` is another name for
`CASCADE_DATABASE`, which wins when both are there. `CASCADE_SEED` and `CASCADE_TEST_*` are not settings.

The file is a YAML map of at most 1 MiB, without anchors, aliases and tags. [config/examples/cascade.yaml](../config/examples/cascade.yaml)
shows every key.

Durations carry units (`ms`, `s`, `m`, `h`, `d`: `20ms`, `1.5s`, `1m30s`; a plain number counts seconds), sizes too (`KiB`,
`MiB`, `GiB`; a plain number counts bytes).
A list in a variable or flag is separated by commas; a map in a variable is JSON.

## Profiles

`balanced` is the default. `low_latency` and `high_throughput` differ from it in these defaults, and in nothing else:

)";

std::string shown_default(const key_spec& key, std::size_t profile) {
  if (!key.default_note.empty()) return std::string(key.default_note);
  if (key.defaults[profile].empty())
    return key.kind == key_kind::texts || key.kind == key_kind::paths ? "[]" : "empty";
  return std::string(key.defaults[profile]);
}

bool differs(const key_spec& key) {
  return key.defaults[0] != key.defaults[1] || key.defaults[0] != key.defaults[2];
}

std::string code(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string group_of(const key_spec& key) {
  const auto dot = key.name.find('.');
  return dot == std::string_view::npos ? std::string() : std::string(key.name.substr(0, dot));
}

std::string group_title(const std::string& group) {
  if (group.empty()) return "The node";
  static const std::map<std::string, std::string> titles{
      {"log", "Logs"},      {"console", "Console"},         {"embedded", "Embedded database"},
      {"engine", "Engine"}, {"tasks", "Defaults of tasks"}, {"handlers", "Handlers"}};
  const auto found = titles.find(group);
  return found == titles.end() ? group : found->second;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out, line;
  while (!text.empty()) {
    const auto space = std::min(text.find(' '), text.size());
    if (!line.empty() && line.size() + 1 + space > width)
      out += std::string(indent, ' ') + line + "\n", line.clear();
    line += (line.empty() ? "" : " ") + std::string(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out + std::string(indent, ' ') + line + "\n";
}

}  // namespace

std::string configuration_markdown() {
  std::string out(preamble);
  out += "| key | balanced | low_latency | high_throughput |\n|---|---|---|---|\n";
  for (const auto& key : all_keys())
    if (differs(key))
      out += "| " + code(key.name) + " | " + code(key.defaults[0]) + " | " + code(key.defaults[1]) +
             " | " + code(key.defaults[2]) + " |\n";
  std::string group = "-";
  for (const auto& key : all_keys()) {
    if (group_of(key) != group) {
      group = group_of(key);
      out += "\n## " + group_title(group) +
             "\n\n| key | type | default | range | meaning |\n|---|---|---|---|---|\n";
    }
    const std::string note = shown_default(key, 0);
    const bool literal = key.default_note.empty() && note != "empty";
    out += "| " + code(key.name) + " | " + std::string(to_string(key.kind)) + " | " +
           (literal ? code(note) : note) + " | " + format_range(key) + " | " +
           std::string(key.doc) + " |\n";
  }
  return out;
}

std::string configuration_help() {
  std::string out;
  for (const auto& key : all_keys()) {
    out += "  " + std::string(key.name) + " = " + shown_default(key, 0);
    if (const auto range = format_range(key); !range.empty()) out += "  (" + range + ")";
    out += "\n" + wrapped(key.doc, 6, 90);
  }
  return out;
}

std::string configuration_dump(const loaded_config& config) {
  std::size_t key_width = 0, value_width = 0;
  for (const auto& e : config.entries) {
    key_width = std::max(key_width, e.key.size());
    value_width = std::max(value_width, std::min<std::size_t>(e.value.size(), 40));
  }
  std::string out;
  for (const auto& e : config.entries) {
    std::string line = e.key + ":" + std::string(key_width - e.key.size() + 1, ' ') +
                       (e.value.empty() ? "\"\"" : e.value);
    line.append(
        line.size() < key_width + 2 + value_width ? key_width + 2 + value_width - line.size() : 0,
        ' ');
    out += line + "  # " + e.origin + "\n";
  }
  return out;
}

}  // namespace cascade
