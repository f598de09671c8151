// actors/console_tables.hpp
//
// What the console shows of the scheduler: jobs and queues, from memory, and what
// was asked of the database.
#pragma once

#include "actors/messages.hpp"
#include "actors/scheduler_state.hpp"

namespace cascade {

// Commands: jobs, queues, statements. At most 200 rows.
console_answer console_table(const scheduler_data& s, const console_query& q);

}  // namespace cascade
