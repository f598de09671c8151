#include "config/conninfo.hpp"

#include <cctype>

namespace cascade {
namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
      return std::nullopt;
    out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
    i += 2;
  }
  return out;
}

// Cuts `text` at the first `mark`; without one, all of it is the first part.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

bool add(conninfo_parts& parts, std::string_view keyword, std::string_view encoded) {
  if (encoded.empty()) return true;
  auto decoded = percent_decoded(encoded);
  if (decoded) parts.emplace_back(keyword, std::move(*decoded));
  return decoded.has_value();
}

// postgresql://user:password@host:port,host:port/dbname?keyword=value&...
std::optional<conninfo_parts> parse_uri(std::string_view rest) {
  conninfo_parts parts;
  const auto [before_query, query] = cut(rest, '?');
  const auto [authority, dbname] = cut(before_query, '/');
  const auto at = authority.rfind('@');
  const std::string_view hosts =
      at == std::string_view::npos ? authority : authority.substr(at + 1);
  if (at != std::string_view::npos) {
    const auto [user, password] = cut(authority.substr(0, at), ':');
    if (!add(parts, "user", user) || !add(parts, "password", password)) return std::nullopt;
  }
  std::string host_list, port_list;
  for (std::string_view left = hosts; !left.empty();) {
    const auto [one, more] = cut(left, ',');
    const bool bracketed = one.starts_with('[') && one.find(']') != std::string_view::npos;
    const auto colon = one.find(':', bracketed ? one.find(']') : 0);
    const std::string_view host = one.substr(0, colon);
    if (!host_list.empty() || !port_list.empty()) host_list += ',', port_list += ',';
    host_list += bracketed ? host.substr(1, host.size() - 2) : host;
    if (colon != std::string_view::npos) port_list += one.substr(colon + 1);
    left = more;
  }
  if (!add(parts, "host", host_list) || !add(parts, "port", port_list) ||
      !add(parts, "dbname", dbname))
    return std::nullopt;
  for (std::string_view left = query; !left.empty();) {
    const auto [pair, more] = cut(left, '&');
    const auto [keyword, value] = cut(pair, '=');
    if (keyword.empty() || !add(parts, keyword, value)) return std::nullopt;
    left = more;
  }
  return parts;
}

std::optional<conninfo_parts> parse_keywords(std::string_view text) {
  conninfo_parts parts;
  std::size_t i = 0;
  const auto skip_space = [&] {
    while (i < text.size() && is_space(text[i])) ++i;
  };
  for (skip_space(); i < text.size(); skip_space()) {
    std::string keyword, value;
    while (i < text.size() && text[i] != '=' && !is_space(text[i])) keyword += text[i++];
    skip_space();
    if (keyword.empty() || i == text.size() || text[i] != '=') return std::nullopt;
    ++i;
    skip_space();
    const bool quoted = i < text.size() && text[i] == '\'';
    if (quoted) ++i;
    for (; i < text.size() && (quoted ? text[i] != '\'' : !is_space(text[i])); ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      value += text[i];
    }
    if (quoted && i++ == text.size()) return std::nullopt;
    parts.emplace_back(std::move(keyword), std::move(value));
  }
  return parts;
}

std::string in_quotes(std::string_view value) {
  std::string out;
  bool needed = value.empty();
  for (const char c : value) {
    needed = needed || is_space(c) || c == '\'' || c == '\\';
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return needed ? "'" + out + "'" : out;
}

}  // namespace

std::optional<conninfo_parts> parse_conninfo(std::string_view text) {
  for (const std::string_view scheme : {"postgresql://", "postgres://"})
    if (text.starts_with(scheme)) return parse_uri(text.substr(scheme.size()));
  return parse_keywords(text);
}

std::string join_conninfo(const conninfo_parts& parts) {
  std::string out;
  for (const auto& [keyword, value] : parts) {
    if (!out.empty()) out += ' ';
    out += keyword + "=" + in_quotes(value);
  }
  return out;
}

std::string conninfo_without_secrets(std::string_view text) {
  auto parts = parse_conninfo(text);
  if (!parts) return "(not shown: not a valid conninfo)";
  for (auto& [keyword, value] : *parts)
    if (keyword.find("pass") != std::string::npos && keyword != "passfile") value = "***";
  return join_conninfo(*parts);
}

}  // namespace cascade
