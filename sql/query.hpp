// sql/query.hpp
//
// What the build embeds from sql/: one named statement a file in queries/ (the stem is the name of
// the prepared statement and of its metrics), and the append-only migrations. Include
// "sql/queries.hpp" or "sql/migrations.hpp" for the contents.
#pragma once

#include <string_view>

namespace cascade::sql {

struct query {
  const char* name;
  const char* text;
};

struct migration {
  int number;             // 1, 2, ... without gaps
  std::string_view name;  // the file's stem
  const char* text;  // several statements; runs in one transaction, with the schema owner's rights

  // A line "--! breaking" tells binaries that do not know the migration to refuse the schema.
  constexpr bool breaking() const noexcept {
    return std::string_view(text).find("\n--! breaking") != std::string_view::npos ||
           std::string_view(text).starts_with("--! breaking");
  }
};

}  // namespace cascade::sql
