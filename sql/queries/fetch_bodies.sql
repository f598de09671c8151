-- $1 ids, $2 tags: unfinished tasks with payloads, columns as in read_inbox.
select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_in_us, t.queue, t.handler, t.attempt,
  t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, coalesce(t.requires <@ $2::text[], true), t.payload::text
from unnest($1::bigint[]) u(id) join cascade.engine_task t on t.id = u.id
