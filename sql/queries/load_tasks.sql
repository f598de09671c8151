-- Cursor over every unfinished task, but for steps that wait for others: their job actors load those. In the order of the
-- transactions that inserted them, as the index has it. Columns as in read_inbox, payload null when larger than $2
-- bytes. $1 tags. Not those that wait for a time more than $3 microseconds away.
declare load_tasks no scroll cursor for
select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_at_us, t.queue, t.handler, t.attempt,
  t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, t.rate_key, t.concurrency_key, t.tenant, t.start_by_us,
  t.requires is null or t.requires <@ $1::text[], case when pg_column_size(t.payload) <= $2::int then t.payload::text end
from cascade.engine_task t
where t.status < 'completed' and t.waiting_reason is distinct from 'dependency'
  and coalesce(t.due_at_us, 0) <= (extract(epoch from now()) * 1000000)::bigint + $3::bigint
order by t.xid
