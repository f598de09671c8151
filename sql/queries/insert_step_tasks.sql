-- The tasks of a job's steps, ids in order; counted at once. $1 job; per task: $2 steps, $3 items, $4 handlers, $5 queues,
-- $6 priorities, $7 max_attempts, $8 timeouts in ms, $9 start_within in ms, $10 microseconds to wait, or $11 until when since
-- 1970 (null: not at all; those that wait come back through the inbox, and are counted there), $12 retry policies,
-- $13 commands, $14 requires as JSON arrays, $15 payloads (null: the step waits for others).
with made as (
  insert into cascade.task (xid, job_id, step, item, handler, queue, priority, max_attempts, timeout, start_within, run_at,
                            retry, command, requires, payload, status, waiting_reason, ready_at)
  select case when u.run_at is null then '0' else pg_current_xact_id() end, $1::bigint, u.step, u.item, u.handler, u.queue,
    u.priority, u.max_attempts, u.timeout_ms * interval '1 millisecond', u.start_within_ms * interval '1 millisecond',
    coalesce(u.run_at, statement_timestamp()), u.retry::jsonb, u.command::jsonb,
    case when u.requires is not null then (select array_agg(r) from jsonb_array_elements_text(u.requires::jsonb) r) end,
    coalesce(u.payload::jsonb, '{}'),
    case when u.payload is null or u.run_at is not null then 'waiting' else 'pending' end::cascade.task_status,
    case when u.payload is null then 'dependency' when u.run_at is not null then 'delay' end::cascade.waiting_reason,
    case when u.payload is not null and u.run_at is null then statement_timestamp() end
  from (
    select r.*, coalesce(cascade.instant_of(r.until_us),
                         statement_timestamp() + r.wait_us * interval '1 microsecond') as run_at
    from unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::smallint[], $7::smallint[], $8::bigint[], $9::bigint[],
                $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[]) with ordinality
      r(step, item, handler, queue, priority, max_attempts, timeout_ms, start_within_ms, wait_us, until_us, retry, command,
        requires, payload, position)) u
  order by u.position
  returning id, queue, status, xid),
counted as (
  insert into cascade.counter_delta (job_id, queue, status, n)
  select $1::bigint, m.queue, m.status, count(*) from made m where m.xid = '0' group by m.queue, m.status)
select m.id from made m order by m.id
