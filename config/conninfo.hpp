// config/conninfo.hpp
//
// Reads the two forms of a Postgres connection string, "host=... port=..." and "postgresql://...",
// far enough to take secrets out before one is shown and to hand its parts to psql. Connecting is
// libpq's business: this never decides whether a string is valid for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cascade {

using conninfo_parts =
    std::vector<std::pair<std::string, std::string>>;  // keyword, value; in order

// Nothing when the text is neither form.
std::optional<conninfo_parts> parse_conninfo(std::string_view text);

// In keyword form, values quoted where needed.
std::string join_conninfo(const conninfo_parts& parts);

// In keyword form, with passwords as ***; "(not shown: not a valid conninfo)" when it cannot be
// read.
std::string conninfo_without_secrets(std::string_view text);

}  // namespace cascade
