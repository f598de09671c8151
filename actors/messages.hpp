// actors/messages.hpp
//
// The interfaces of all actors, and the ids of the messages they carry. Commands are imperative,
// events past tense, queries nouns. Add your own types at the end of the block: ids are positional.
#pragma once

#include "actors/database_messages.hpp"
#include "actors/dispatch_messages.hpp"
#include "actors/inbox_messages.hpp"
#include "actors/job_messages.hpp"
#include "actors/schedule_messages.hpp"
#include "actors/supervision_messages.hpp"

// Local only: carries functions.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::start_child)
// Local only: moved between the actors of one node, never serialized.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::database_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_database)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::connection_step)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::task_beat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::run_beat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_schedules)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::schedules_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::schedules_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::schedules_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::tick_fired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::retention_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::retention_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reconcile_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reconcile_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reconnect)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::bell)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::inbox_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::doorbell_step)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::inbox_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_inbox)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::begin_load)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::queues_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::clock_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::work_arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::page_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_priorities)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::priorities_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::sync_inbox)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::inbox_synced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reprioritize)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reprioritize_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::reprioritized)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::tasks_fetched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::task_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::tasks_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::run_tasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::cancel_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::quick_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::attach_pool)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::pool_inventory)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::worker_hello)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::run_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::scheduler_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::drain_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::recorded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::record)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::batch_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::uncounted_tasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::recorder_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::get_workflow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::workflow_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::workflow_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::steps_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_idle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_command)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_attached)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::tasks_released)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::forget_job_tasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::forget_task)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_retry)

CAF_BEGIN_TYPE_ID_BLOCK(cascade, first_custom_type_id)
CAF_ADD_TYPE_ID(cascade, (cascade::errc))
CAF_ADD_TYPE_ID(cascade, (cascade::supervisor_errc))
CAF_ADD_TYPE_ID(cascade, (cascade::child_ready))
CAF_ADD_TYPE_ID(cascade, (cascade::start_child))
CAF_ADD_TYPE_ID(cascade, (cascade::child_started))
CAF_ADD_TYPE_ID(cascade, (cascade::stop_child))
CAF_ADD_TYPE_ID(cascade, (cascade::child_stopped))
CAF_ADD_TYPE_ID(cascade, (cascade::restart_child))
CAF_ADD_TYPE_ID(cascade, (cascade::describe))
CAF_ADD_TYPE_ID(cascade, (cascade::description))
CAF_ADD_TYPE_ID(cascade, (cascade::find_child))
CAF_ADD_TYPE_ID(cascade, (cascade::child_found))
CAF_ADD_TYPE_ID(cascade, (cascade::restart_query))
CAF_ADD_TYPE_ID(cascade, (cascade::restart_count))
CAF_ADD_TYPE_ID(cascade, (cascade::restart_counters))
CAF_ADD_TYPE_ID(cascade, (cascade::supervisor_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::console_query))
CAF_ADD_TYPE_ID(cascade, (cascade::console_answer))
CAF_ADD_TYPE_ID(cascade, (cascade::console_line))
CAF_ADD_TYPE_ID(cascade, (cascade::database_changed))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_database))
CAF_ADD_TYPE_ID(cascade, (cascade::connection_step))
CAF_ADD_TYPE_ID(cascade, (cascade::retention_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::retention_answer))
CAF_ADD_TYPE_ID(cascade, (cascade::reconnect))
CAF_ADD_TYPE_ID(cascade, (cascade::bell))
CAF_ADD_TYPE_ID(cascade, (cascade::inbox_read))
CAF_ADD_TYPE_ID(cascade, (cascade::doorbell_step))
CAF_ADD_TYPE_ID(cascade, (cascade::inbox_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_inbox))
CAF_ADD_TYPE_ID(cascade, (cascade::begin_load))
CAF_ADD_TYPE_ID(cascade, (cascade::queues_loaded))
CAF_ADD_TYPE_ID(cascade, (cascade::work_arrived))
CAF_ADD_TYPE_ID(cascade, (cascade::page_taken))
CAF_ADD_TYPE_ID(cascade, (cascade::tasks_fetched))
CAF_ADD_TYPE_ID(cascade, (cascade::task_done))
CAF_ADD_TYPE_ID(cascade, (cascade::tasks_done))
CAF_ADD_TYPE_ID(cascade, (cascade::run_tasks))
CAF_ADD_TYPE_ID(cascade, (cascade::cancel_run))
CAF_ADD_TYPE_ID(cascade, (cascade::quick_lost))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_pool))
CAF_ADD_TYPE_ID(cascade, (cascade::pool_inventory))
CAF_ADD_TYPE_ID(cascade, (cascade::worker_hello))
CAF_ADD_TYPE_ID(cascade, (cascade::run_ended))
CAF_ADD_TYPE_ID(cascade, (cascade::scheduler_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::drain))
CAF_ADD_TYPE_ID(cascade, (cascade::drain_over))
CAF_ADD_TYPE_ID(cascade, (cascade::drained))
CAF_ADD_TYPE_ID(cascade, (cascade::recorded))
CAF_ADD_TYPE_ID(cascade, (cascade::record))
CAF_ADD_TYPE_ID(cascade, (cascade::batch_answered))
CAF_ADD_TYPE_ID(cascade, (cascade::uncounted_tasks))
CAF_ADD_TYPE_ID(cascade, (cascade::recorder_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::job_loaded))
CAF_ADD_TYPE_ID(cascade, (cascade::get_workflow))
CAF_ADD_TYPE_ID(cascade, (cascade::workflow_found))
CAF_ADD_TYPE_ID(cascade, (cascade::workflow_read))
CAF_ADD_TYPE_ID(cascade, (cascade::steps_settled))
CAF_ADD_TYPE_ID(cascade, (cascade::job_idle))
CAF_ADD_TYPE_ID(cascade, (cascade::job_command))
CAF_ADD_TYPE_ID(cascade, (cascade::job_attached))
CAF_ADD_TYPE_ID(cascade, (cascade::tasks_released))
CAF_ADD_TYPE_ID(cascade, (cascade::job_ended))
CAF_ADD_TYPE_ID(cascade, (cascade::forget_job_tasks))
CAF_ADD_TYPE_ID(cascade, (cascade::forget_task))
CAF_ADD_TYPE_ID(cascade, (cascade::job_retry))
CAF_ADD_TYPE_ID(cascade, (cascade::clock_read))
CAF_ADD_TYPE_ID(cascade, (cascade::task_beat))
CAF_ADD_TYPE_ID(cascade, (cascade::run_beat))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_schedules))
CAF_ADD_TYPE_ID(cascade, (cascade::schedules_changed))
CAF_ADD_TYPE_ID(cascade, (cascade::schedules_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::schedules_loaded))
CAF_ADD_TYPE_ID(cascade, (cascade::tick_fired))
CAF_ADD_TYPE_ID(cascade, (cascade::reconcile_wake))
CAF_ADD_TYPE_ID(cascade, (cascade::reconcile_answer))
CAF_ADD_TYPE_ID(cascade, (cascade::attach_priorities))
CAF_ADD_TYPE_ID(cascade, (cascade::priorities_changed))
CAF_ADD_TYPE_ID(cascade, (cascade::sync_inbox))
CAF_ADD_TYPE_ID(cascade, (cascade::inbox_synced))
CAF_ADD_TYPE_ID(cascade, (cascade::reprioritize))
CAF_ADD_TYPE_ID(cascade, (cascade::reprioritize_job))
CAF_ADD_TYPE_ID(cascade, (cascade::reprioritized))
CAF_END_TYPE_ID_BLOCK(cascade)

CAF_ERROR_CODE_ENUM(cascade::errc, "cascade")
CAF_ERROR_CODE_ENUM(cascade::supervisor_errc, "supervisor")

namespace cascade {

// What every actor of ours is at least.
using describable = caf::typed_actor<caf::replies_to<describe>::with<description>>;

using supervisor_actor = caf::typed_actor<  //
    caf::reacts_to<child_ready>,            //
    caf::replies_to<start_child>::with<child_started>,
    caf::replies_to<stop_child>::with<child_stopped>,
    caf::replies_to<restart_child>::with<child_started>,
    caf::replies_to<describe>::with<description>, caf::replies_to<find_child>::with<child_found>,
    caf::replies_to<restart_query>::with<restart_counters>>;

// Answers console commands for a part of the engine.
using console_provider = caf::typed_actor<caf::replies_to<console_query>::with<console_answer>>;

using console_actor = console_provider::extend<  //
    caf::reacts_to<console_line>, caf::replies_to<describe>::with<description>>;

using gateway_actor = caf::typed_actor<  //
    caf::reacts_to<attach_database>, caf::replies_to<describe>::with<description>>;

using retention_actor = caf::typed_actor<  //
    caf::reacts_to<database_changed>, caf::replies_to<describe>::with<description>>;

using reconciler_actor = caf::typed_actor<  //
    caf::reacts_to<database_changed>, caf::replies_to<describe>::with<description>>;

using schedules_actor = caf::typed_actor<  //
    caf::reacts_to<database_changed>, caf::reacts_to<schedules_changed>, caf::reacts_to<clock_read>,
    caf::replies_to<describe>::with<description>>;

using inbox_actor = console_provider::extend<  //
    caf::reacts_to<database_changed>, caf::reacts_to<bell>, caf::reacts_to<begin_load>,
    caf::reacts_to<page_taken>, caf::reacts_to<attach_priorities>,
    caf::replies_to<sync_inbox>::with<inbox_synced>, caf::replies_to<describe>::with<description>>;

using propagator_actor = console_provider::extend<  //
    caf::reacts_to<database_changed>, caf::reacts_to<priorities_changed>, caf::reacts_to<recorded>,
    caf::replies_to<describe>::with<description>>;

using recorder_actor = caf::typed_actor<  //
    caf::reacts_to<database_changed>, caf::reacts_to<record>, caf::reacts_to<uncounted_tasks>,
    caf::reacts_to<clock_read>, caf::replies_to<drain>::with<drained>,
    caf::replies_to<describe>::with<description>>;

using catalog_actor = caf::typed_actor<  //
    caf::replies_to<get_workflow>::with<workflow_found>,
    caf::replies_to<describe>::with<description>>;

using job_actor = caf::typed_actor<  //
    caf::reacts_to<recorded>, caf::reacts_to<steps_settled>, caf::reacts_to<job_idle>,
    caf::reacts_to<job_command>, caf::replies_to<reprioritize_job>::with<reprioritized>,
    caf::replies_to<describe>::with<description>>;

// Those that introduce themselves (attach_..., job_attached, worker_hello) do it as senders.
using scheduler_actor = console_provider::extend<  //
    caf::reacts_to<database_changed>,              //
    caf::reacts_to<attach_inbox>, caf::reacts_to<attach_schedules>, caf::reacts_to<clock_read>,
    caf::reacts_to<work_arrived>, caf::reacts_to<tasks_done>, caf::reacts_to<task_beat>,
    caf::reacts_to<quick_lost>, caf::reacts_to<recorded>, caf::reacts_to<job_attached>,
    caf::reacts_to<tasks_released>, caf::reacts_to<job_ended>, caf::reacts_to<forget_job_tasks>,
    caf::reacts_to<forget_task>, caf::replies_to<drain>::with<drained>,
    caf::reacts_to<tasks_fetched>, caf::replies_to<reprioritize>::with<reprioritized>,
    caf::replies_to<describe>::with<description>>;

using worker_actor = caf::typed_actor<  //
    caf::reacts_to<run_tasks>, caf::reacts_to<cancel_run>,
    caf::replies_to<describe>::with<description>>;

using pool_actor = caf::typed_actor<  //
    caf::replies_to<attach_pool>::with<pool_inventory>, caf::reacts_to<run_tasks>,
    caf::reacts_to<cancel_run>, caf::reacts_to<worker_hello>, caf::reacts_to<tasks_done>,
    caf::reacts_to<task_beat>, caf::replies_to<describe>::with<description>>;

}  // namespace cascade
