// actors/schedules.hpp
//
// Fires the ticks of schedules: keeps the next one of each in a timer wheel, and asks the database
// to start what is due. Which ticks there are is decided by triggers/schedule_plan.hpp, what becomes
// of one by cascade.fire_tick.
//
// In       schedules_changed and clock_read, both by way of the scheduler.
// Exact    the row of a tick makes a second firing impossible, whoever else fires it: no fence is
//          needed. `handled_to` in the row says how far a schedule has come; a restart goes on there.
// Errors   a schedule that cannot be understood gets its problem written and is left alone; a lost
//          connection or a row that somebody is changing: everything is loaded again a second later.
// Limits   fires_max ticks under way, one of each schedule.
// Idle     without schedules no connection is open and nothing is asked.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace cascade {

schedules_actor spawn_schedules(caf::actor_system& system, engine_context_ptr context,
                                gateway_actor gateway, scheduler_actor scheduler);

}  // namespace cascade
