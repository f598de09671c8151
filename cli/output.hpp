// cli/output.hpp
//
// What commands print: tables and records for people, one JSON document for programs. Rows are JSON
// objects as the database made them (row_to_json), so that both forms show the same data.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace cascade {

struct cli_failure;
using json_row = nlohmann::ordered_json;  // columns keep their order

struct terminal_style {
  int width = 0;  // 0: not a terminal, nothing is cut
  bool colour = false;
  bool redraws = false;  // standard output is a terminal: progress may be drawn in place

  // NO_COLOR, TERM=dumb and --no-color switch colour off.
  static terminal_style of_stdout(bool no_colour);
};

enum class cell : std::uint8_t { text, number, time, status, json };

struct column {
  std::string_view key;  // of the row
  std::string_view title;
  cell as = cell::text;
  bool elastic = false;  // gives way when the terminal is narrow
};

// One line per row under a line of titles; "(none)" when there are no rows.
void print_table(std::ostream& out, const terminal_style& style, const std::vector<column>& columns,
                 const std::vector<json_row>& rows);

// "key  value" lines; values that are objects or lists are printed indented below their key; nulls
//       are left out.
void print_record(std::ostream& out, const terminal_style& style, const json_row& record);

void print_json(std::ostream& out, const json_row& document);
void print_json(std::ostream& out, const std::vector<json_row>& rows);  // always an array
void print_error(std::ostream& err, const cli_failure& failure);        // {"error": {...}}

// A state or a verdict in its colour.
std::string coloured_status(const terminal_style& style, std::string_view status);
std::string bold(const terminal_style& style, std::string_view text);

// A value as one line of text for people.
std::string cell_text(const json_row& value, cell as);

}  // namespace cascade
