#include <algorithm>
#include <span>

#include "state/suggest.hpp"
#include "triggers/cron_field.hpp"

namespace cascade {
namespace {

struct macro {
  std::string_view name, means;
};
constexpr std::array macros{macro{"@yearly", "0 0 1 1 *"},  macro{"@annually", "0 0 1 1 *"},
                            macro{"@monthly", "0 0 1 * *"}, macro{"@weekly", "0 0 * * 0"},
                            macro{"@daily", "0 0 * * *"},   macro{"@midnight", "0 0 * * *"},
                            macro{"@hourly", "0 * * * *"}};

constexpr std::string_view field_order =
    "five fields are \"minute hour day-of-month month day-of-week\", six begin with the second";

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string mapped(std::string_view text, char (*to)(char)) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), to);
  return out;
}

std::vector<std::string_view> macro_names() {
  std::vector<std::string_view> out;
  for (const macro& m : macros) out.push_back(m.name);
  return out;
}

schedule_problem unknown_macro(std::string_view text) {
  const std::string small = mapped(text, lower);
  const auto names = macro_names();
  std::string hint = suggestion(small, names);
  if (small.starts_with("@every")) hint = "an interval stands in `every` in place of cron";
  if (small == "@reboot") hint = "a schedule knows times, not restarts";
  std::string all;
  for (const auto name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  return {"cron: " + cron_quoted(text) + " is none of " + all, std::move(hint)};
}

std::optional<schedule_problem> check_text(std::string_view text) {
  if (text.size() > cron_pattern::bytes_max)
    return schedule_problem{
        "cron: the expression is longer than " + std::to_string(cron_pattern::bytes_max) + " bytes",
        ""};
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\t' && (text[i] < ' ' || text[i] > '~'))
      return schedule_problem{
          "cron: byte " + std::to_string(i + 1) + " is not a printable ASCII character", ""};
  return std::nullopt;
}

std::optional<schedule_problem> check_count(std::span<const std::string_view> fields) {
  const std::size_t n = fields.size();
  if (n == 5 || n == 6) return std::nullopt;
  if (n == 0) return schedule_problem{"cron: the expression is empty", std::string(field_order)};
  std::string hint(field_order);
  if (const std::string near = n == 1 ? suggestion(mapped(fields[0], lower), macro_names()) : "";
      !near.empty())
    hint = near;  // daily
  if (n == 7) hint = "there is no field for the year";
  if (fields[0].find('=') != std::string_view::npos) hint = "the zone stands in time_zone";
  return schedule_problem{"cron: " + std::to_string(n) + (n == 1 ? " field" : " fields") +
                              ", allowed are 5 or 6: " + cron_quoted(fields[0]) + " is the first",
                          std::move(hint)};
}

}  // namespace

expected<cron_pattern, schedule_problem> cron_pattern::parse(std::string_view text) {
  if (auto problem = check_text(text)) return std::move(*problem);
  std::string capitals = mapped(text, upper);
  auto fields = cron_split(capitals, " \t", false);
  if (!fields.empty() && fields[0].starts_with('@')) {
    const auto known = std::ranges::find(macros, mapped(fields[0], lower), &macro::name);
    if (known == macros.end() || fields.size() > 1) return unknown_macro(text);
    fields = cron_split(known->means, " ", false);
  }
  if (auto problem = check_count(fields)) return std::move(*problem);

  cron_pattern out;
  out.seconds = 1;  // five fields: at second 0
  const std::size_t skipped = cron_field_count - fields.size();
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (auto problem =
            parse_cron_field(static_cast<cron_field>(i + skipped), i + 1, fields[i], out))
      return std::move(*problem);

  using namespace std::chrono;
  if (!out.first_from(local_days(1970y / 1 / 1), local_days(2101y / 1 / 1))) {
    const std::size_t day = fields.size() - 2, month = day + 1;  // as people count
    return schedule_problem{"cron: field " + std::to_string(day) +
                                " (day of month): " + cron_quoted(fields[day - 1]) +
                                " never comes in month " + cron_quoted(fields[month - 1]) +
                                " (field " + std::to_string(month) + ")",
                            "no day from 1970 to 2100 matches"};
  }
  return out;
}

}  // namespace cascade
