#include "config/load.hpp"

#include <unistd.h>

#include <fstream>
#include <iterator>

#include "config/document.hpp"
#include "config/keys.hpp"
#include "state/duration.hpp"
#include "state/suggest.hpp"

extern char** environ;

namespace cascade {
namespace {

constexpr std::string_view variable_prefix = "CASCADE_";
// The usual name for it; CASCADE_DATABASE, the name by the rule, wins when both are there.
constexpr std::string_view database_url_variable = "CASCADE_DATABASE_URL";

// Ours, but not settings: the file's name, and what tests need.
bool is_other_variable(std::string_view name) {
  return name == "CASCADE_SEED" || name == "CASCADE_CONFIG" || name.starts_with("CASCADE_TEST_");
}

const std::vector<std::string>& key_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const auto& key : all_keys()) out.emplace_back(key.name);
    return out;
  }();
  return names;
}

std::string unknown_key(std::string_view name) {
  std::string message = "unknown key \"" + std::string(name.substr(0, 100)) + "\"";
  if (const auto near = suggestion(name, key_names()); !near.empty()) {
    message += "; " + near;
  } else {  // a known last word under the wrong parent
    const auto last = name.substr(name.rfind('.') + 1);
    for (const auto& known : key_names())
      if (std::string_view(known).substr(known.rfind('.') + 1) == last)
        message += "; did you mean \"" + known + "\"?";
  }
  return message;
}

struct candidate {
  const key_spec* key;
  raw_value raw;
  std::string origin;
  std::string place;
};

class loader {
public:
  explicit loader(const config_sources& sources) : sources_(sources) {}

  void read_file(std::string_view yaml, std::string_view name) {
    file_name_ = name;
    const parsed_document document = parse_document(yaml);
    for (const auto& p : document.problems) problem(at(p.at), p.message);
    if (document.root.is == raw_value::kind::map)
      walk(document.root, "");
    else if (document.root.is != raw_value::kind::null)
      problem(at(document.root.at), "a configuration is a map of keys, such as \"workers: 32\"");
  }

  void problem(std::string place, std::string message) {
    out_.problems.push_back({std::move(place), std::move(message)});
  }

  loaded_config finish() {
    read_environment();
    for (const auto& f : sources_.flags) {
      const key_spec* key = find_key(f.key);
      if (key == nullptr)
        problem(f.flag, unknown_key(f.key));
      else
        candidates_.push_back({key, raw_value::scalar(f.text), "flag " + f.flag, f.flag});
    }
    assign_all();
    return std::move(out_);
  }

private:
  std::string at(position p) const {
    if (p.line == 0) return file_name_;
    return file_name_ + ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
  }

  void walk(const document_node& map, const std::string& prefix) {
    for (const auto& [key_node, value] : map.members) {
      const std::string name = prefix + key_node.text;
      const bool is_group = std::ranges::any_of(
          all_keys(), [&](const key_spec& k) { return k.name.starts_with(name + "."); });
      if (const key_spec* key = find_key(name))
        candidates_.push_back({key, raw_of(*key, value), at(key_node.at),
                               at(value.at.line != 0 ? value.at : key_node.at)});
      else if (!is_group)
        problem(at(key_node.at), unknown_key(name));
      else if (value.is == raw_value::kind::map)
        walk(value, name + ".");
      else if (value.is !=
               raw_value::kind::null)  // an empty group, all of it commented out, is fine
        problem(at(value.at), name + ": must be a map of keys");
    }
  }

  // 50 and true are texts where a command's arguments and variables stand.
  static raw_value raw_of(const key_spec& key, const document_node& node) {
    raw_value raw = to_raw(node);
    if (key.kind != key_kind::commands) return raw;
    const auto texts = [](const document_node& n) {
      document_node copy = n;
      for (auto& item : copy.items) item.plain = false;
      for (auto& [name, value] : copy.members) value.plain = false;
      return to_json(copy);
    };
    for (const auto& [name, command] : node.members) {
      if (command.is == raw_value::kind::list) raw.json[name.text] = texts(command);
      for (const auto& [field, value] : command.members)
        if (field.text == "argv" || field.text == "env")
          raw.json[name.text][field.text] = texts(value);
    }
    return raw;
  }

  void read_environment() {
    std::vector<std::string> names;
    for (const auto& key : all_keys()) names.push_back(environment_name(key));
    for (const auto& [name, text] : sources_.environment)
      if (name == database_url_variable && !text.empty())
        candidates_.push_back({find_key("database"), raw_value::scalar(text), "environment " + name,
                               "environment variable " + name});
    for (const auto& [name, text] : sources_.environment) {
      if (name == database_url_variable) continue;
      if (!name.starts_with(variable_prefix) || is_other_variable(name)) continue;
      const auto found = std::ranges::find(names, name);
      if (found != names.end()) {
        const auto& key = all_keys()[static_cast<std::size_t>(found - names.begin())];
        candidates_.push_back(
            {&key, raw_value::scalar(text), "environment " + name, "environment variable " + name});
        continue;
      }
      const std::string near = suggestion(name, names);
      problem("environment variable " + name,
              "there is no such setting" + (near.empty() ? "" : "; " + near));
    }
  }

  // Later sources win; the losers are checked all the same.
  void assign_all() {
    std::map<const key_spec*, std::pair<key_value, std::string>> chosen;
    for (const auto& c : candidates_) {
      parsed_value parsed = parse_value(*c.key, c.raw);
      if (parsed.value)
        chosen[c.key] = {std::move(*parsed.value), c.origin};
      else
        problem(c.place, std::string(c.key->name) + ": " + parsed.problem);
    }
    std::size_t profile = 0;
    if (const auto found = chosen.find(find_key("profile")); found != chosen.end())
      profile = static_cast<std::size_t>(found->second.first.number);
    for (const auto& key : all_keys()) {
      auto found = chosen.find(&key);
      if (found == chosen.end())
        found = chosen.emplace(&key, std::pair{default_of(key, profile), "default"}).first;
      key.assign(out_.values, found->second.first);
      out_.entries.push_back(
          {std::string(key.name), found->second.first.shown, found->second.second});
    }
    if (out_.values.handler_threads == 0)
      out_.values.handler_threads = std::min(out_.values.workers, 256);
    check_together();
  }

  key_value default_of(const key_spec& key, std::size_t profile) const {
    std::string text(key.defaults[profile]);
    if (key.name == "data_dir") text = default_data_dir(sources_);
    if (key.name == "node_name") text = sources_.host_name;
    if (key.name == "console.socket") text = (out_.values.data_dir / "console" / "socket").string();
    parsed_value parsed = parse_value(key, raw_value::scalar(text));
    return parsed.value ? std::move(*parsed.value) : key_value{.text = text, .shown = text};
  }

  // What no key can check alone.
  void check_together() {
    const auto& s = out_.values;
    if (s.tasks.retry.cap < s.tasks.retry.base)
      problem(origin_of("tasks.retry.cap"),
              "tasks.retry.cap: must not be less than tasks.retry.base, which is " +
                  format_duration(s.tasks.retry.base));
    if (s.console.socket.native().size() > 107)
      problem(origin_of("console.socket"),
              "console.socket: \"" + s.console.socket.string() +
                  "\" is longer than the 107 bytes a socket may have; name a shorter one");
  }

  std::string origin_of(std::string_view key) const {
    const auto found = std::ranges::find(out_.entries, key, &config_entry::key);
    return found == out_.entries.end() ? std::string() : found->origin;
  }

  const config_sources& sources_;
  std::string file_name_;
  std::vector<candidate> candidates_;
  loaded_config out_;
};

std::string environment_of(const config_sources& sources, std::string_view name) {
  for (const auto& [key, text] : sources.environment)
    if (key == name) return text;
  return {};
}

}  // namespace

config_sources config_sources::of_process() {
  config_sources out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      out.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  out.root = ::geteuid() == 0;
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') out.host_name = host;
  if (const auto file = environment_of(out, "CASCADE_CONFIG"); !file.empty()) out.file = file;
  return out;
}

std::string default_data_dir(const config_sources& sources) {
  if (sources.root) return "/var/lib/cascade";
  // The specification wants relative paths ignored.
  if (const auto state = environment_of(sources, "XDG_STATE_HOME"); state.starts_with('/'))
    return state + "/cascade";
  if (const auto home = environment_of(sources, "HOME"); home.starts_with('/'))
    return home + "/.local/state/cascade";
  return "/tmp/cascade-" + std::to_string(::getuid());
}

loaded_config load_settings(const config_sources& sources) {
  if (!sources.file) return loader(sources).finish();
  std::ifstream in(*sources.file, std::ios::binary);
  std::string text(document_bytes_max + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || !in.is_open() || (in.fail() && !in.eof())) {
    loader failed(sources);
    failed.problem(sources.file->string(), "the file cannot be read");
    return failed.finish();
  }
  text.resize(static_cast<std::size_t>(in.gcount()));
  return load_settings(sources, text, sources.file->string());
}

loaded_config load_settings(const config_sources& sources, std::string_view yaml,
                            std::string_view name) {
  loader l(sources);
  l.read_file(yaml, name);
  return l.finish();
}

std::string to_string(const std::vector<config_problem>& problems) {
  std::string out;
  for (const auto& p : problems) out += (p.place.empty() ? "" : p.place + ": ") + p.message + "\n";
  return out;
}

}  // namespace cascade
