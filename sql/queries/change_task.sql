-- A task that has not started gets another time: $1 id, $2 microseconds since 1970. As a new row for the inbox.
update cascade.task t
set xid = pg_current_xact_id(), run_at = cascade.instant_of($2),
  status = case when later then 'waiting' else 'pending' end::cascade.task_status,
  waiting_reason = case when later then case when t.attempt > 0 then 'retry_backoff' else 'delay' end end::cascade.waiting_reason,
  ready_at = case when not later then statement_timestamp() end
from (select cascade.instant_of($2) > statement_timestamp()) at (later)
where t.id = $1 and t.finished_on is null and t.status < 'running' and t.waiting_reason is distinct from 'dependency'
