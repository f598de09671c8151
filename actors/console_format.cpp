#include "actors/console_format.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace cascade {

namespace {

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

const std::string& cell(const table_row& row, std::size_t column) {
  static const std::string none;
  return column < row.size() ? row[column] : none;
}

std::string state_text(const description& d) {
  return d.answered ? d.state : d.state + ", no answer";
}

std::string line_of(const description& d) {
  auto line = d.name + "  " + d.kind;
  if (d.id != 0) line += " #" + std::to_string(d.id);
  line += "  " + state_text(d);
  if (d.restarts > 0)
    line += "  (restarted " + std::to_string(d.restarts) + (d.restarts == 1 ? " time)" : " times)");
  return line;
}

void append_children(const description& parent, const std::string& indent, std::string& out) {
  const auto omitted = parent.children_omitted;
  for (std::size_t i = 0; i < parent.children.size(); ++i) {
    const bool last = i + 1 == parent.children.size() && omitted == 0;
    out += indent + (last ? "└─ " : "├─ ") + line_of(parent.children[i]) + "\n";
    append_children(parent.children[i], indent + (last ? "   " : "│  "), out);
  }
  if (omitted > 0) out += indent + "└─ and " + std::to_string(omitted) + " more\n";
}

// Calls fn(path, description) for each actor, parents first.
template <class F>
void walk(const description& d, const std::string& prefix, const F& fn) {
  const auto path = prefix.empty() ? d.name : prefix + "/" + d.name;
  fn(path, d);
  for (const auto& child : d.children) walk(child, path, fn);
}

nlohmann::json actor_json(const description& d) {
  auto detail = nlohmann::json::parse(d.detail, nullptr, false);
  if (detail.is_discarded())
    detail = d.detail.empty() ? nlohmann::json(nullptr) : nlohmann::json(d.detail);
  return {{"name", d.name},         {"kind", d.kind},         {"id", d.id},      {"state", d.state},
          {"restarts", d.restarts}, {"answered", d.answered}, {"detail", detail}};
}

std::size_t typing_errors(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::string format_table(const table_row& header, const std::vector<table_row>& rows) {
  std::vector<std::size_t> widths(header.size());
  std::vector<bool> numbers(header.size(), !rows.empty());
  for (std::size_t c = 0; c < header.size(); ++c) {
    widths[c] = width_of(header[c]);
    for (const auto& row : rows) {
      widths[c] = std::max(widths[c], width_of(cell(row, c)));
      if (!is_number(cell(row, c))) numbers[c] = false;
    }
  }
  std::string out;
  const auto append = [&](const table_row& row) {
    std::string line;
    for (std::size_t c = 0; c < header.size(); ++c) {
      const auto& text = cell(row, c);
      const std::string blanks(widths[c] - width_of(text), ' ');
      line += (c ? "  " : "") + (numbers[c] ? blanks + text : text + blanks);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  append(header);
  for (const auto& row : rows) append(row);
  return out;
}

std::string format_tree(const description& root) {
  auto out = line_of(root) + "\n";
  append_children(root, "", out);
  return out;
}

std::string format_actors(const description& root) {
  std::vector<table_row> rows;
  walk(root, "", [&](const std::string& path, const description& d) {
    rows.push_back({d.id == 0 ? "-" : std::to_string(d.id), path, d.kind, state_text(d),
                    std::to_string(d.restarts)});
    if (d.children_omitted > 0)
      rows.push_back({"-", path + "/...", "", std::to_string(d.children_omitted) + " more", ""});
  });
  return format_table({"ID", "ACTOR", "KIND", "STATE", "RESTARTS"}, rows);
}

std::string format_actor(const std::string& path, const description& actor) {
  std::vector<table_row> rows{
      {"id", std::to_string(actor.id)}, {"kind", actor.kind}, {"state", state_text(actor)}};
  const auto detail = nlohmann::json::parse(actor.detail, nullptr, false);
  if (detail.is_object())
    for (const auto& [key, value] : detail.items())
      rows.push_back({key, value.is_string() ? value.get<std::string>() : value.dump()});
  else if (!actor.detail.empty())
    rows.push_back({"detail", actor.detail});
  if (actor.kind == "supervisor")
    rows.push_back({"children listed", std::to_string(actor.children.size())});
  return format_table({"actor", path}, rows);
}

console_answer key_values(const nlohmann::json& fields) {
  console_answer a;
  for (const auto& [key, value] : fields.items())
    if (!value.is_null())
      a.text += key + ": " + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
  a.json = fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return a;
}

nlohmann::json tree_json(const description& root) {
  auto out = actor_json(root);
  out["children"] = nlohmann::json::array();
  for (const auto& child : root.children) out["children"].push_back(tree_json(child));
  if (root.children_omitted > 0) out["children_omitted"] = root.children_omitted;
  return out;
}

nlohmann::json actors_json(const description& root) {
  auto out = nlohmann::json::array();
  walk(root, "", [&](const std::string& path, const description& d) {
    auto each = actor_json(d);
    each["path"] = path;
    out.push_back(std::move(each));
  });
  return out;
}

std::string closest_word(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > 64) return {};
  std::string best;
  std::size_t starts = 0;
  for (const auto& each : candidates)
    if (each.starts_with(word)) {
      best = each;
      ++starts;
    }
  if (starts == 1) return best;
  std::size_t errors_min = 3;
  for (const auto& each : candidates) {
    const auto errors = typing_errors(word, each);
    if (errors < errors_min && errors < each.size()) {
      errors_min = errors;
      best = each;
    }
  }
  return errors_min < 3 ? best : std::string{};
}

}  // namespace cascade
