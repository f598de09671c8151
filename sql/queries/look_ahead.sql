-- Cursor over the tasks visible in snapshot $1 that wait for a time after $2 and not after $3 (microseconds since 1970), in
-- that order. $4 tags; payload null when larger than $5 bytes. docs/adr/0008-horizon.md
declare load_tasks no scroll cursor for
select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_at_us, t.queue, t.handler, t.attempt,
  t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, t.rate_key, t.concurrency_key, t.tenant, t.start_by_us,
  t.requires is null or t.requires <@ $4::text[], case when pg_column_size(t.payload) <= $5::int then t.payload::text end
from cascade.engine_task t
where t.waiting_reason in ('delay', 'retry_backoff')
  and t.run_at > cascade.instant_of($2::bigint)
  and t.run_at <= cascade.instant_of($3::bigint)
  and pg_visible_in_snapshot(t.xid, $1::text::pg_snapshot)
order by t.run_at
