#include "cli/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>

#include "cli/failure.hpp"
#include "cli/text.hpp"

namespace cascade {
namespace {

constexpr int gap = 2;
constexpr int elastic_min = 8;

std::string paint(const terminal_style& style, std::string_view code, std::string_view text) {
  if (!style.colour) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string_view colour_of(std::string_view status) {
  struct entry {
    std::string_view status, code;
  };
  static constexpr entry colours[] = {
      {"completed", "32"},    {"OK", "32"},      {"ready", "32"},     {"failed", "31"},
      {"FAIL", "31"},         {"running", "36"}, {"pending", "34"},   {"waiting", "33"},
      {"paused", "33"},       {"WARN", "33"},    {"cancelled", "35"}, {"skipped", "90"},
      {"quarantined", "31;1"}};
  for (const auto& e : colours)
    if (e.status == status) return e.code;
  return {};
}

std::string dumped(const json_row& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string padded(const std::string& shown, int width, bool right) {
  const std::string space(static_cast<std::size_t>(std::max(0, width - display_width(shown))), ' ');
  return right ? space + shown : shown + space;
}

std::vector<int> fitted_widths(const terminal_style& style, const std::vector<column>& columns,
                               const std::vector<std::vector<std::string>>& cells) {
  std::vector<int> widths;
  int total = 0;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    int width = display_width(columns[c].title);
    for (const auto& line : cells) width = std::max(width, display_width(line[c]));
    widths.push_back(width);
    total += width + (c == 0 ? 0 : gap);
  }
  // The widest elastic column gives way first.
  while (style.width > 0 && total > style.width) {
    std::size_t widest = columns.size();
    for (std::size_t c = 0; c < columns.size(); ++c)
      if (columns[c].elastic && widths[c] > elastic_min &&
          (widest == columns.size() || widths[c] > widths[widest]))
        widest = c;
    if (widest == columns.size()) break;
    --widths[widest];
    --total;
  }
  return widths;
}

}  // namespace

terminal_style terminal_style::of_stdout(bool no_colour) {
  terminal_style style;
  if (::isatty(STDOUT_FILENO) == 0) return style;
  const char* term = std::getenv("TERM");
  const char* refused = std::getenv("NO_COLOR");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  style.colour = !no_colour && !dumb && (refused == nullptr || *refused == '\0');
  style.redraws = !dumb;
  winsize size{};
  style.width =
      ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  return style;
}

std::string coloured_status(const terminal_style& style, std::string_view status) {
  const auto code = colour_of(status);
  return code.empty() ? std::string(status) : paint(style, code, status);
}

std::string bold(const terminal_style& style, std::string_view text) {
  return paint(style, "1", text);
}

std::string cell_text(const json_row& value, cell as) {
  if (value.is_null()) return {};
  if (!value.is_string()) return printable(dumped(value, -1));
  const auto& text = value.get_ref<const std::string&>();
  return as == cell::time ? short_time(text) : printable(text);
}

void print_table(std::ostream& out, const terminal_style& style, const std::vector<column>& columns,
                 const std::vector<json_row>& rows) {
  if (rows.empty()) {
    out << "(none)\n";
    return;
  }
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (const auto& c : columns)
      line.push_back(row.contains(c.key) ? cell_text(row.at(std::string(c.key)), c.as) : "");
  }
  const std::vector<int> widths = fitted_widths(style, columns, cells);
  const auto print_line = [&](const auto& text_of, const auto& painted) {
    std::string line;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const bool last = c + 1 == columns.size();
      const std::string shown =
          columns[c].elastic && style.width > 0 ? fitted(text_of(c), widths[c]) : text_of(c);
      const bool right = columns[c].as == cell::number;
      const std::string aligned = last && !right ? shown : padded(shown, widths[c], right);
      const auto start = aligned.find(shown);  // colour the word, not its padding
      line += aligned.substr(0, start) + painted(c, shown) + aligned.substr(start + shown.size()) +
              (last ? "" : std::string(gap, ' '));
    }
    while (line.ends_with(' ')) line.pop_back();
    out << line << '\n';
  };
  print_line([&](std::size_t c) { return std::string(columns[c].title); },
             [&](std::size_t, const std::string& s) { return s.empty() ? s : bold(style, s); });
  for (const auto& line : cells)
    print_line([&](std::size_t c) { return line[c]; },
               [&](std::size_t c, const std::string& s) {
                 return columns[c].as == cell::status ? coloured_status(style, s) : s;
               });
}

void print_record(std::ostream& out, const terminal_style& style, const json_row& record) {
  int width = 0;
  for (const auto& [key, value] : record.items())
    if (!value.is_null()) width = std::max(width, display_width(printable(key)));
  for (const auto& [key, value] : record.items()) {
    if (value.is_null()) continue;
    const std::string title = padded(printable(key), width, false);
    out << bold(style, title) << std::string(gap, ' ');
    if (value.is_structured() && !value.empty()) {
      std::string text = printable_lines(dumped(value, 2));
      const std::string indent(static_cast<std::size_t>(width + gap), ' ');
      for (std::size_t at = text.find('\n'); at != std::string::npos;
           at = text.find('\n', at + 1 + indent.size()))
        text.insert(at + 1, indent);
      out << text << '\n';
    } else if (key == "status" || key == "outcome") {
      out << coloured_status(style, cell_text(value, cell::text)) << '\n';
    } else {
      const bool time = key.ends_with("_at") || key.ends_with("tick");
      out << cell_text(value, time ? cell::time : cell::text) << '\n';
    }
  }
}

void print_json(std::ostream& out, const json_row& document) { out << dumped(document, 2) << '\n'; }
void print_json(std::ostream& out, const std::vector<json_row>& rows) {
  print_json(out, json_row(rows));
}

void print_error(std::ostream& err, const cli_failure& f) {
  const auto or_null = [](const std::string& s) {
    return s.empty() ? json_row(nullptr) : json_row(s);
  };
  const json_row error{{"code", to_string(f.exit)},
                       {"message", f.message},
                       {"hint", or_null(f.hint)},
                       {"sqlstate", or_null(f.sqlstate)}};
  print_json(err, json_row{{"error", error}});
}

}  // namespace cascade
