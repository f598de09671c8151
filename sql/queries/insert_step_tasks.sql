-- The tasks of a job's steps, ids in order; counted at once. $1 job; per task: $2 steps, $3 items, $4 handlers, $5 queues,
-- $6 priorities, $7 max_attempts, $8 timeouts in ms, $9 retry policies, $10 commands, $11 requires as JSON arrays,
-- $12 payloads (null: the step waits for others).
with made as (
  insert into cascade.task (xid, job_id, step, item, handler, queue, priority, max_attempts, timeout, retry, command,
                            requires, payload, status, waiting_reason, ready_at)
  select '0', $1::bigint, u.step, u.item, u.handler, u.queue, u.priority, u.max_attempts,
    u.timeout_ms * interval '1 millisecond', u.retry::jsonb, u.command::jsonb,
    case when u.requires is not null then (select array_agg(r) from jsonb_array_elements_text(u.requires::jsonb) r) end,
    coalesce(u.payload::jsonb, '{}'),
    case when u.payload is null then 'waiting' else 'pending' end::cascade.task_status,
    case when u.payload is null then 'dependency' end::cascade.waiting_reason,
    case when u.payload is not null then statement_timestamp() end
  from unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::smallint[], $7::smallint[], $8::bigint[], $9::text[],
              $10::text[], $11::text[], $12::text[]) with ordinality
    u(step, item, handler, queue, priority, max_attempts, timeout_ms, retry, command, requires, payload, position)
  order by u.position
  returning id, queue, status),
counted as (
  insert into cascade.counter_delta (job_id, queue, status, n)
  select $1::bigint, m.queue, m.status, count(*) from made m group by m.queue, m.status)
select m.id from made m order by m.id
