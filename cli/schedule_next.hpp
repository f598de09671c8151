// cli/schedule_next.hpp
//
// The parts of `cascade schedule` that know what times mean.
#pragma once

#include <optional>
#include <string>

#include "cli/context.hpp"
#include "triggers/schedule_rule.hpp"
#include "workflow/schedule_file.hpp"

namespace cascade {

// Why its ticks cannot be told: an expression or a zone that cannot be read.
std::optional<schedule_objection> times_objection(const schedule_definition& schedule);

// "2026-11-20T04:00:00+01:00 CET". Requires: a rule was made for the zone, or it is UTC.
std::string zoned_text(instant at, const std::string& zone);

// Throws cli_failure that there is none of this name, with the nearest one as a hint.
[[noreturn]] void throw_no_schedule(database& db, const std::string& name);

void add_schedule_next(CLI::App& group, cli_context& context);
void add_schedule_files(CLI::App& group, cli_context& context);  // apply, validate

}  // namespace cascade
