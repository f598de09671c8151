-- Cursor over the tasks between two snapshots, $1 and $2, whose rows overflow read_inbox: two ranges of the index, one after
-- the other, so that the first row comes at once. $3 tags; payload null when larger than $4 bytes;
-- $5 the horizon as in read_inbox.
declare load_tasks no scroll cursor for
select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_at_us, t.queue, t.handler, t.attempt,
  t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, t.rate_key, t.concurrency_key, t.tenant, t.start_by_us,
  t.requires is null or t.requires <@ $3::text[], case when pg_column_size(t.payload) <= $4::int then t.payload::text end
from cascade.engine_task t
where t.status < 'completed' and t.xid = any (array(select pg_snapshot_xip($1::text::pg_snapshot)))
  and pg_visible_in_snapshot(t.xid, $2::text::pg_snapshot) and coalesce(t.due_at_us, 0) <= $5::bigint
union all
select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_at_us, t.queue, t.handler, t.attempt,
  t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, t.rate_key, t.concurrency_key, t.tenant, t.start_by_us,
  t.requires is null or t.requires <@ $3::text[], case when pg_column_size(t.payload) <= $4::int then t.payload::text end
from cascade.engine_task t
where t.status < 'completed' and t.xid >= pg_snapshot_xmax($1::text::pg_snapshot)
  and pg_visible_in_snapshot(t.xid, $2::text::pg_snapshot) and coalesce(t.due_at_us, 0) <= $5::bigint
