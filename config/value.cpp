#include "config/value.hpp"

#include <charconv>
#include <cmath>

#include "config/conninfo.hpp"
#include "config/keys.hpp"
#include "state/duration.hpp"
#include "state/suggest.hpp"

namespace cascade {
namespace {

struct unit {
  std::string_view name;
  double size;
};
constexpr unit byte_units[] = {{"GiB", 1073741824.0}, {"MiB", 1048576}, {"KiB", 1024}, {"B", 1}};
constexpr double whole_max = 9e15;  // doubles hold whole numbers up to here

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

std::string format_real(double value) {
  if (value == std::floor(value) && std::abs(value) < whole_max)
    return std::to_string(static_cast<std::int64_t>(value));
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

std::string shortened(std::string_view text) {
  return text.size() <= 60 ? std::string(text) : std::string(text.substr(0, 57)) + "...";
}

std::string format_amount(const key_spec& spec, double amount) {
  if (spec.kind == key_kind::duration)
    return format_duration(std::chrono::milliseconds(static_cast<std::int64_t>(amount)));
  if (spec.kind == key_kind::bytes) return format_bytes(static_cast<std::int64_t>(amount));
  return format_real(amount);
}

parsed_value wrong(std::string problem) { return {std::nullopt, std::move(problem)}; }

std::string expectation(const key_spec& spec) {
  switch (spec.kind) {
    case key_kind::integer:
      return "a whole number, " + format_range(spec);
    case key_kind::real:
      return "a number, " + format_range(spec);
    case key_kind::duration:
      return "a duration such as 20ms, 5s, 1m30s; " + format_range(spec);
    case key_kind::bytes:
      return "a size such as 64KiB, 16MiB, 2GiB; " + format_range(spec);
    case key_kind::choice:
      return format_range(spec);
    case key_kind::texts:
    case key_kind::paths:
      return "a list such as [one, two]";
    case key_kind::commands:
      return "a map such as {resize: [/usr/bin/convert, -resize, 50%]}";
    default:
      return "text";
  }
}

parsed_value parse_amount(const key_spec& spec, const raw_value& raw) {
  key_value v;
  std::optional<double> amount;
  if (spec.kind == key_kind::duration) {
    if (const auto d = parse_duration(std::string_view(raw.text)))
      amount = static_cast<double>(d->count());
  } else if (spec.kind == key_kind::bytes) {
    if (const auto b = parse_bytes(raw.text)) amount = static_cast<double>(*b);
  } else {
    amount = parse_number(raw.text);
    if (amount && spec.kind == key_kind::integer &&
        (*amount != std::floor(*amount) || std::abs(*amount) > whole_max))
      amount.reset();
  }
  if (!amount)
    return wrong("must be " + expectation(spec) + "; not \"" + shortened(raw.text) + "\"");
  if (*amount < spec.min || *amount > spec.max)
    return wrong(shortened(raw.text) + " is out of range, allowed is " + format_range(spec));
  v.real = *amount;
  v.number = static_cast<std::int64_t>(*amount);
  v.shown = format_amount(spec, *amount);
  return {std::move(v), {}};
}

parsed_value parse_choice(const key_spec& spec, const raw_value& raw) {
  const auto found = std::ranges::find(spec.choices, std::string_view(raw.text));
  if (found != spec.choices.end())
    return {key_value{.number = found - spec.choices.begin(), .shown = raw.text}, {}};
  std::string problem = "must be " + format_range(spec) + "; not \"" + shortened(raw.text) + "\"";
  if (const auto near = suggestion(raw.text, spec.choices); !near.empty()) problem += "; " + near;
  return wrong(std::move(problem));
}

parsed_value parse_text(const key_spec& spec, const raw_value& raw) {
  const auto size = static_cast<double>(raw.text.size());
  if (raw.text.find('\0') != std::string::npos) return wrong("must not contain a NUL character");
  if (size < spec.min) return wrong("must not be empty");
  if (size > spec.max) return wrong("is longer than " + format_real(spec.max) + " bytes");
  key_value v{.text = raw.text, .shown = raw.text};
  if (spec.kind == key_kind::conninfo && !raw.text.empty())
    v.shown = conninfo_without_secrets(raw.text);
  return {std::move(v), {}};
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

parsed_value parse_list(const key_spec& spec, const raw_value& raw) {
  key_value v;
  v.list = raw.is == raw_value::kind::list ? raw.items : split_list(raw.text);
  if (static_cast<double>(v.list.size()) > spec.max)
    return wrong("has more than " + format_real(spec.max) + " entries");
  for (const auto& item : v.list) {
    if (item.empty()) return wrong("has an empty entry");
    if (item.size() > (spec.kind == key_kind::texts ? 200u : 4096u))
      return wrong("has an entry that is too long");
    v.shown += (v.shown.empty() ? "" : ", ") + item;
  }
  v.shown = "[" + v.shown + "]";
  return {std::move(v), {}};
}

std::string command_shape_problem(const nlohmann::json& command) {
  const auto is_argv = [](const nlohmann::json& j) {
    return j.is_array() && !j.empty() &&
           std::ranges::all_of(j, [](const auto& a) { return a.is_string(); }) &&
           !j[0].template get_ref<const std::string&>().empty();
  };
  if (is_argv(command)) return {};
  if (!command.is_object()) return "must be a list of texts, the program first, or a map with argv";
  if (!command.contains("argv") || !is_argv(command.at("argv")))
    return "needs argv, a list of texts, the program first";
  return {};
}

parsed_value parse_commands(const key_spec& spec, const raw_value& raw) {
  nlohmann::json commands = raw.json;
  if (raw.is == raw_value::kind::scalar) commands = nlohmann::json::parse(raw.text, nullptr, false);
  if (!commands.is_object()) return wrong("must be " + expectation(spec));
  if (static_cast<double>(commands.size()) > spec.max)
    return wrong("has more than " + format_real(spec.max) + " entries");
  for (const auto& [name, command] : commands.items()) {
    if (name.empty() || name.size() > 200) return wrong("the name of a handler has 1 to 200 bytes");
    const std::string problem = command_shape_problem(command);
    if (!problem.empty()) return wrong("handler \"" + shortened(name) + "\" " + problem);
  }
  const auto text = commands.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  // Only names are shown: arguments and environments may hold secrets.
  std::string shown;
  for (const auto& [name, command] : commands.items()) shown += (shown.empty() ? "" : ", ") + name;
  return {key_value{.text = text, .shown = "{" + shown + "}"}, {}};
}

}  // namespace

raw_value raw_value::scalar(std::string text) { return {kind::scalar, std::move(text), {}, {}}; }

parsed_value parse_value(const key_spec& spec, const raw_value& raw) {
  const bool is_list = spec.kind == key_kind::texts || spec.kind == key_kind::paths;
  const bool fits = raw.is == raw_value::kind::scalar ||
                    (is_list && raw.is == raw_value::kind::list) ||
                    (spec.kind == key_kind::commands && raw.is == raw_value::kind::map);
  if (raw.is == raw_value::kind::null) return wrong("has no value; must be " + expectation(spec));
  if (!fits)
    return wrong("must be " + expectation(spec) + "; not a " +
                 (raw.is == raw_value::kind::map ? "map" : "list"));
  switch (spec.kind) {
    case key_kind::integer:
    case key_kind::real:
    case key_kind::duration:
    case key_kind::bytes:
      return parse_amount(spec, raw);
    case key_kind::choice:
      return parse_choice(spec, raw);
    case key_kind::texts:
    case key_kind::paths:
      return parse_list(spec, raw);
    case key_kind::commands:
      return parse_commands(spec, raw);
    case key_kind::text:
    case key_kind::path:
    case key_kind::conninfo:
      return parse_text(spec, raw);
  }
  return wrong("is of an unknown kind");
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = parse_number(text.substr(0, digits));
  std::string_view name = text.substr(digits);
  while (name.starts_with(' ')) name.remove_prefix(1);
  const auto* found =
      name.empty() ? &byte_units[3] : std::ranges::find(byte_units, name, &unit::name);
  if (!number || found == std::end(byte_units)) return std::nullopt;
  const double count = *number * found->size;
  if (count > whole_max || count != std::floor(count)) return std::nullopt;
  return static_cast<std::int64_t>(count);
}

std::string format_bytes(std::int64_t value) {
  for (const auto& u : byte_units) {
    const auto size = static_cast<std::int64_t>(u.size);
    if (value >= size && value % size == 0)
      return std::to_string(value / size) + std::string(u.name);
  }
  return std::to_string(value) + "B";
}

std::string format_range(const key_spec& spec) {
  switch (spec.kind) {
    case key_kind::integer:
    case key_kind::real:
    case key_kind::duration:
    case key_kind::bytes:
      return format_amount(spec, spec.min) + " to " + format_amount(spec, spec.max);
    case key_kind::choice: {
      std::string out;
      for (std::size_t i = 0; i < spec.choices.size(); ++i)
        out += (i == 0                         ? ""
                : i + 1 == spec.choices.size() ? " or "
                                               : ", ") +
               std::string(spec.choices[i]);
      return out;
    }
    default:
      return {};
  }
}

}  // namespace cascade
