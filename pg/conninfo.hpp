// pg/conninfo.hpp
//
// Connection strings, in both of libpq's forms (key=value, URI), changed and shown without string
// surgery.
#pragma once

#include <string>
#include <string_view>

#include "pg/failure.hpp"

namespace cascade::pg {

// The same connection with one setting changed, as key='value' pairs. The result holds the
// password, if there is one.
expected<std::string> with_setting(const std::string& conninfo, std::string_view key,
                                   std::string_view value);

// For logs: the settings that are given, secrets shown as ***; a string that cannot be parsed is
// not shown at all.
std::string redacted(const std::string& conninfo);

}  // namespace cascade::pg
