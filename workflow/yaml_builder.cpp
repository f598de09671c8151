#include "workflow/yaml_builder.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace cascade::yaml {

using nlohmann::json;

namespace {

bool all_digits(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view without_sign(std::string_view s) {
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) s.remove_prefix(1);
  return s;
}

// [-+]? ( . digits | digits ( . digits* )? ) ( [eE] [-+]? digits )?
bool is_decimal(std::string_view s) {
  s = without_sign(s);
  if (const auto e = s.find_first_of("eE"); e != s.npos) {
    if (!all_digits(without_sign(s.substr(e + 1)))) return false;
    s = s.substr(0, e);
  }
  const auto point = s.find('.');
  if (point == s.npos) return all_digits(s);
  const std::string_view whole = s.substr(0, point), part = s.substr(point + 1);
  return (whole.empty() || all_digits(whole)) && (part.empty() ? !whole.empty() : all_digits(part));
}

template <class T>
bool parsed(std::string_view s, T& out, int base) {
  if (!s.empty() && s[0] == '+') s.remove_prefix(1);
  const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), out, base);
  return ec == std::errc{} && end == s.data() + s.size();
}

}  // namespace

json plain_value(const std::string& text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  std::uint64_t big = 0;
  if (text.starts_with("0x") && parsed(std::string_view(text).substr(2), big, 16)) return big;
  if (text.starts_with("0o") && parsed(std::string_view(text).substr(2), big, 8)) return big;
  if (!is_decimal(text)) return text;
  std::int64_t whole = 0;
  if (parsed(text, whole, 10)) return whole;
  if (parsed(text, big, 10)) return big;
  const std::string_view digits =
      text[0] == '+' ? std::string_view(text).substr(1) : std::string_view(text);
  double value = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (ec != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value))
    return text;
  return value;
}

void builder::fail(std::size_t at, std::string message) {
  problems_.push_back({at, std::move(message)});
  throw stop{};
}

void builder::OnDocumentStart(const YAML::Mark& mark) {
  if (++documents_ > 1)
    fail(byte(mark), "a file holds one document; here starts a second document");
}

// Notes where the value comes to stand, with its key.
void builder::place(std::size_t at) {
  if (++nodes_ > nodes_max)
    fail(at, "there are more than " + std::to_string(nodes_max) + " values");
  source_map::entry where{.key = std::string_view::npos, .value = at};
  if (!open_.empty() && open_.back().value.is_array())
    path_.back() = std::to_string(open_.back().value.size());
  if (!open_.empty() && open_.back().value.is_object()) where.key = open_.back().key_byte;
  out_.where.put(path_, where);
}

void builder::add(json value, std::size_t nodes, YAML::anchor_t anchor) {
  if (anchor != 0) anchors_[anchor] = {value, nodes};
  if (open_.empty()) {
    out_.value = std::move(value);
    return;
  }
  frame& parent = open_.back();
  parent.nodes += nodes;
  if (parent.value.is_array()) {
    parent.value.push_back(std::move(value));
  } else {
    parent.value[path_.back()] = std::move(value);
    parent.key_read = false;
  }
}

void builder::add_key(std::size_t at, const std::string& key) {
  if (key.find('\0') != key.npos) fail(at, "a NUL character cannot be stored");
  frame& parent = open_.back();
  if (parent.value.contains(key))
    problems_.push_back({at, "the key \"" + key + "\" is here twice", false});
  path_.back() = key;
  parent.key_read = true;
  parent.key_byte = at;
}

void builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (expects_key()) fail(byte(mark), "a key is missing here");
  place(byte(mark));
  add(nullptr, 1, anchor);
}

void builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end())
    fail(byte(mark), "this alias stands for something that is not finished yet");
  if (expects_key()) fail(byte(mark), "an alias cannot be a key");
  if (nodes_ + found->second.nodes > nodes_max)
    fail(byte(mark),
         "with its aliases the file has more than " + std::to_string(nodes_max) + " values");
  place(byte(mark));
  nodes_ += found->second.nodes;
  add(found->second.value, found->second.nodes, 0);
}

void builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& value) {
  const std::size_t at = byte(mark);
  if (expects_key()) return add_key(at, value);
  place(at);
  if (value.find('\0') != value.npos) fail(at, "a NUL character cannot be stored");
  if (tag == "?") return add(plain_value(value), 1, anchor);
  if (tag != "!" && tag != "tag:yaml.org,2002:str")
    fail(at, "the tag " + tag + " is not known here");
  add(value, 1, anchor);
}

void builder::open(std::size_t at, json empty, const std::string& tag, YAML::anchor_t anchor) {
  if (expects_key()) fail(at, "a list or a map cannot be a key");
  if (open_.size() >= depth_max)
    fail(at, "it is nested deeper than " + std::to_string(depth_max) + " levels");
  const std::string_view plain =
      empty.is_array() ? "tag:yaml.org,2002:seq" : "tag:yaml.org,2002:map";
  if (!tag.empty() && tag != "?" && tag != "!" && tag != plain)
    fail(at, "the tag " + tag + " is not known here");
  place(at);
  frame f;
  f.value = std::move(empty);
  f.anchor = anchor;
  open_.push_back(std::move(f));
  path_.emplace_back();
}

void builder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                              YAML::EmitterStyle::value) {
  open(byte(mark), json::array(), tag, anchor);
}

void builder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) {
  open(byte(mark), json::object(), tag, anchor);
}

void builder::close() {
  frame done = std::move(open_.back());
  open_.pop_back();
  path_.pop_back();
  add(std::move(done.value), done.nodes, done.anchor);
}

}  // namespace cascade::yaml
