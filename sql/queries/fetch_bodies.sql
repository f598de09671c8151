-- $1 ids, $2 tags: unfinished tasks with payloads, columns as in read_inbox.
select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_in_us, t.queue, t.handler, t.attempt,
  t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, t.requires is null or t.requires <@ $2::text[], t.payload::text
from cascade.engine_task t
where t.id = any ($1::bigint[])
