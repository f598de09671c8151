// actors/inbox.hpp
//
// Brings in what was committed since the last read, exactly once, and decides when to look
// (triggers/doorbell.hpp).
//
// In        database_changed, begin_load (once an epoch, from the scheduler), bell (from the
//           listener), page_taken.
// Out       work_arrived to the scheduler; the next page only after page_taken: one page of what is
//           new and one of a backlog are under way at most. uncounted_tasks when there were new tasks,
//           also those that are due beyond the horizon. rows_changed once the charges of the load are
//           committed.
// Load      at a new epoch: charges lost attempts, then jobs, commands and all unfinished tasks
//           through a cursor, in one snapshot: the first backlog.
// Backlog   of a read that hits inbox_page_rows, jobs and commands are handed over; its tasks are
//           read again through a cursor, on a connection of its own, one backlog after the other.
//           Reads of what is new go on meanwhile.
// Listener  its own connection; every time it comes up, a read is due.
// Restart   forgets its place; the engine reloads.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/row_watcher.hpp"

namespace cascade {

inbox_actor spawn_inbox(caf::actor_system& system, engine_context_ptr context,
                        gateway_actor gateway, scheduler_actor scheduler, arrival_sink counters,
                        row_watcher watcher = {});

}  // namespace cascade
