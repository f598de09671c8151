-- What was committed since snapshot $1 (jobs and commands: $6), at most $2 tasks: (kind, id, job_id, priority, status, reason,
-- due_at_us, queue, handler, attempt, max_attempts, item, step, timeout_ms, retry, command, rate_key, concurrency_key, tenant,
-- start_by_us, capable, payload). Times are
-- microseconds since 1970.
-- kind s: the last row, the new snapshot in column payload, the time in due_at_us (as near to the answer as can be), in capable
-- whether any task is new. kind t: tasks, but for those that wait for a time after $5 (docs/adr/0008-horizon.md); payload null
-- when larger than $4 bytes. kind j: jobs; queue = workflow, item = version, capable = keep_open, payload = input,
-- due_at_us = started_at, timeout_ms its own, attempt = concurrency. kind c: commands; handler = kind, job_id, id, item = null, payload = argument,
-- timeout_ms = task id.
-- A row is new when its transaction was not visible in $1: started after it, or was in progress then. Two index ranges at
-- the tail of an index of unfinished rows. docs/adr/0002-inbox.md
(select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_at_us, t.queue, t.handler, t.attempt,
    t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, t.rate_key, t.concurrency_key, t.tenant, t.start_by_us,
    t.requires is null or t.requires <@ $3::text[], case when pg_column_size(t.payload) <= $4::int then t.payload::text end
  from cascade.engine_task t
  where t.status < 'completed' and t.xid >= pg_snapshot_xmax($1::text::pg_snapshot)
    and coalesce(t.due_at_us, 0) <= $5::bigint
  limit $2::int)
union all
(select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_at_us, t.queue, t.handler, t.attempt,
    t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, t.rate_key, t.concurrency_key, t.tenant, t.start_by_us,
    t.requires is null or t.requires <@ $3::text[], case when pg_column_size(t.payload) <= $4::int then t.payload::text end
  from cascade.engine_task t
  where t.status < 'completed' and t.xid = any (array(select pg_snapshot_xip($1::text::pg_snapshot)))
    and coalesce(t.due_at_us, 0) <= $5::bigint
  limit $2::int)
union all
select 'j', j.id, null, j.priority, j.status::text, null, (extract(epoch from j.started_at) * 1000000)::bigint, j.workflow,
  null, j.concurrency, null, j.version, null, (extract(epoch from j.timeout) * 1000)::bigint, null, null, null, null, j.tenant, null,
  j.keep_open,
  j.input::text
from cascade.job j
where j.status < 'completed' and (j.xid >= pg_snapshot_xmax($6::text::pg_snapshot)
  or j.xid = any (array(select pg_snapshot_xip($6::text::pg_snapshot))))
union all
select 'c', c.id, c.job_id, null, null, null, null, c.queue, c.kind, null, null, null, null, c.task_id, null, null, null, null,
  null, null, null, c.argument::text
from cascade.command c
where c.applied_at is null and (c.xid >= pg_snapshot_xmax($6::text::pg_snapshot)
  or c.xid = any (array(select pg_snapshot_xip($6::text::pg_snapshot))))
union all
select 's', null::bigint, null::bigint, null::smallint, null::text, null::text,
  (extract(epoch from clock_timestamp()) * 1000000)::bigint, null::text, null::text,
  null::smallint, null::smallint, null::int, null::text, null::bigint, null::text, null::text, null::text, null::text, null::text, null::bigint,
  exists (select from cascade.engine_task t where t.xid >= pg_snapshot_xmax($1::text::pg_snapshot))
    or exists (select from cascade.engine_task t where t.xid = any (array(select pg_snapshot_xip($1::text::pg_snapshot)))),
  pg_current_snapshot()::text
