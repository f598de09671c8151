-- $1 ids, $2 tags, $3 bytes: those that are unfinished, columns as in read_inbox, with payloads until they fill $3; the first
-- one always has its own. Sizes are those of the stored form: nothing is read for them.
select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_at_us, t.queue, t.handler, t.attempt,
  t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, t.rate_key, t.concurrency_key, t.tenant, t.start_by_us,
  t.requires is null or t.requires <@ $2::text[], case when sum(pg_column_size(t.payload)) over (order by u.n rows between unbounded preceding and current row)
    - pg_column_size(t.payload) < $3::bigint then t.payload::text end
from unnest($1::bigint[]) with ordinality u(id, n) join cascade.engine_task t on t.id = u.id
where t.id = any ($1::bigint[])
