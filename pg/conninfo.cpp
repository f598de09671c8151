#include "pg/conninfo.hpp"

#include <memory>

#include "pg/libpq.hpp"

namespace cascade::pg {
namespace {

struct free_options {
  void operator()(PQconninfoOption* o) const noexcept { PQconninfoFree(o); }
};
using options_handle = std::unique_ptr<PQconninfoOption, free_options>;

options_handle parse(const std::string& conninfo) {
  char* why = nullptr;  // never shown: it quotes pieces of the string
  options_handle out{PQconninfoParse(conninfo.c_str(), &why)};
  PQfreemem(why);
  return out;
}

void append(std::string& out, std::string_view key, std::string_view value) {
  if (!out.empty()) out += ' ';
  out.append(key).append("='");
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  out += '\'';
}

}  // namespace

expected<std::string> with_setting(const std::string& conninfo, std::string_view key,
                                   std::string_view value) {
  const auto options = parse(conninfo);
  if (!options)
    return detail::local_failure(errc::database_rejected, "the connection string cannot be parsed");
  std::string out;
  for (const auto* o = options.get(); o->keyword != nullptr; ++o)
    if (o->val != nullptr && o->keyword != key) append(out, o->keyword, o->val);
  append(out, key, value);
  return out;
}

std::string redacted(const std::string& conninfo) {
  const auto options = parse(conninfo);
  if (!options) return "(a connection string that cannot be parsed)";
  std::string out;
  for (const auto* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->val == nullptr) continue;
    const std::string_view key = o->keyword;
    // libpq marks secrets with '*'; "options" may set anything.
    const bool secret = o->dispchar[0] == '*' || key == "sslpassword" || key == "options";
    append(out, key, secret ? std::string_view("***") : std::string_view(o->val));
  }
  return out;
}

}  // namespace cascade::pg
