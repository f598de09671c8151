// actors/recorder.hpp
//
// Commits what the others decided: settlements are put together into batches, each one transaction
// that starts with the fence. One durable write for a short task; nothing waits while the system is
// idle.
//
// In       record: the sender gets `recorded` once it is committed, or with `rejected` when it
//          never will be.
// Batches  a batch leaves as soon as fewer than batches_in_flight are under way; what comes
//          meanwhile makes the next one, up to batch_rows_max rows. When that is not enough, loose
//          settlements also leave over further connections; what is not loose waits for those of the
//          same job.
// Counters what the batches leave behind is folded every fold_every. What arrived and stands for
//          itself (uncounted_tasks) is counted at once, but not before the recorder is idle or
//          count_wait_max has passed since the last time: by the first connection, while the others
//          have nothing under way.
// Errors   connection lost: everything unanswered is kept and sent again when the gateway resumes
//          the same epoch and the lost batch is known not to be committed; if its commit answer was
//          lost, memory cannot be trusted and the recorder ends, which reloads the engine. Refused:
//          the settlements of the batch are tried one by one; the one at fault has its results
//          replaced by an error, or comes back as rejected. Fenced: ends.
// Drain    what was taken before is committed, what comes later is not taken: nobody has been told
//          of it, and the next owner decides it again from the rows. Then the lanes are given back as
//          cleanly left, which ends the fence; nothing is written after that.
// Watcher  gets what each batch committed, before the senders are told.
// Limits   senders hold credits (scheduler: quick_max and workers); queued rows are shown by
//          describe.
#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/row_watcher.hpp"

namespace cascade {

recorder_actor spawn_recorder(caf::actor_system& system, engine_context_ptr context,
                              gateway_actor gateway, row_watcher watcher = {});

}  // namespace cascade
