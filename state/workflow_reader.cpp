#include "state/workflow_reader.hpp"

#include <algorithm>

#include "state/duration.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"
#include "state/suggest.hpp"

namespace cascade {
namespace {

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view w : words) (out += out.empty() ? "" : ", ") += w;
  return out;
}

bool is_identifier(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/' || static_cast<unsigned char>(c) >= 0x80;
  });
}

}  // namespace

bool definition_reader::is_object(const json& value) {
  if (value.is_object()) return true;
  problem("must be a map of keys and values, not " + std::string(value.type_name()));
  return false;
}

void definition_reader::known_keys(const json& object, std::string_view what,
                                   std::span<const std::string_view> keys) {
  for (const auto& [key, unused] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    std::string hint = suggestion(key, keys);
    if (hint.empty()) hint = "known are: " + joined(keys);
    in(key, [&, &key = key] {
      problem("\"" + key + "\" is not a key of " + std::string(what), std::move(hint));
    });
    problems.back().at_key = true;
  }
}

void definition_reader::text(const json& value, std::string& out) {
  if (!value.is_string()) return problem("must be a string, not " + std::string(value.type_name()));
  out = value.get<std::string>();
}

void definition_reader::name(const json& value, std::string& out) {
  if (!value.is_string())
    return problem("must be a string, not " + std::string(value.type_name()),
                   value.is_number() ? "put it in quotes" : "");
  const std::string& s = value.get_ref<const std::string&>();
  if (s.empty()) return problem("must not be empty");
  if (s.size() > limits::name_bytes_max)
    return problem("is longer than " + std::to_string(limits::name_bytes_max) + " bytes");
  out = s;
}

void definition_reader::identifier(const json& value, std::string& out) {
  std::string read;
  name(value, read);
  if (!is_identifier(read)) problem("may hold only letters, digits and _ - . /");
  out = std::move(read);  // also a bad one, so that those who name it are not blamed as well
}

void definition_reader::names(const json& value, std::vector<std::string>& out) {
  out.clear();
  if (value.is_string()) return name(value, out.emplace_back());
  if (!value.is_array())
    return problem("must be a list of names, not " + std::string(value.type_name()));
  for (std::size_t i = 0; i < value.size(); ++i)
    in(std::to_string(i), [&] { name(value[i], out.emplace_back()); });
}

void definition_reader::boolean(const json& value, bool& out) {
  if (!value.is_boolean()) return problem("must be true or false");
  out = value.get<bool>();
}

bool definition_reader::integer(const json& value, int low, int high, int& out) {
  const double d = value.is_number() ? value.get<double>() : static_cast<double>(low) - 1;
  if (!value.is_number_integer() || d < low || d > high) {
    problem("must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return false;
  }
  out = value.get<int>();
  return true;
}

void definition_reader::duration(const json& value, std::chrono::milliseconds& out) {
  const auto parsed = parse_duration(value);
  if (!parsed)
    return problem(json_excerpt(value) + " is not a duration", std::string(duration_hint));
  if (parsed->count() == 0)
    return problem("must be longer than 0", "leave it out for no limit of its own");
  out = *parsed;
}

void definition_reader::retry(const json& value, std::optional<retry_policy>& out) {
  if (auto parsed = parse_retry_policy(value)) {
    out = parsed.value();
    return;
  }
  for (const retry_problem& p : retry_problems(value)) {
    if (p.key.empty()) return problem(p.message, p.hint);
    in(p.key, [&] { problem("\"" + p.key + "\" " + p.message, p.hint); });
    problems.back().at_key = p.message.starts_with("is not a key");
  }
}

void definition_reader::choice(const json& value, std::span<const std::string_view> words,
                               std::uint8_t& out) {
  const std::string word = value.is_string() ? value.get<std::string>() : value.dump();
  for (std::size_t i = 0; i < words.size(); ++i)
    if (value.is_string() && words[i] == word) {
      out = static_cast<std::uint8_t>(i);
      return;
    }
  problem("must be one of " + joined(words), suggestion(word, words));
}

}  // namespace cascade
