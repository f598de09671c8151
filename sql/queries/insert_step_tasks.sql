-- Tasks of a job's steps, ids in order; counted at once. $1 job; per step: $2 names, $3 handlers, $4 queues, $5 priorities,
-- $6 max_attempts, $7 timeouts in ms, $8 start_within in ms, $9 microseconds to wait, or $10 until when since 1970 (null: not at
-- all; those that wait come back through the inbox, and are counted there), $11 retry policies, $12 commands, $13 requires as
-- JSON arrays; per task: $14 which step, from 1, $15 items, $16 payloads (null: the step waits for others).
with step as materialized (
  select s.position, s.step, s.handler, s.queue, s.priority, s.max_attempts, s.timeout_ms * interval '1 millisecond' as timeout,
    s.start_within_ms * interval '1 millisecond' as start_within, s.retry::jsonb as retry, s.command::jsonb as command,
    case when s.requires is not null then (select array_agg(r) from jsonb_array_elements_text(s.requires::jsonb) r) end as requires,
    coalesce(cascade.instant_of(s.until_us), statement_timestamp() + s.wait_us * interval '1 microsecond') as run_at
  from unnest($2::text[], $3::text[], $4::text[], $5::smallint[], $6::smallint[], $7::bigint[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::text[], $12::text[], $13::text[]) with ordinality
    s(step, handler, queue, priority, max_attempts, timeout_ms, start_within_ms, wait_us, until_us, retry, command, requires, position)),
made as (
  insert into cascade.task (xid, job_id, step, item, handler, queue, priority, max_attempts, timeout, start_within, run_at,
                            retry, command, requires, tenant, payload, status, waiting_reason, ready_at)
  select case when s.run_at is null then '0' else pg_current_xact_id() end, $1::bigint, s.step, u.item, s.handler, s.queue,
    s.priority, s.max_attempts, s.timeout, s.start_within, coalesce(s.run_at, statement_timestamp()), s.retry, s.command, s.requires,
    (select j.tenant from cascade.job j where j.id = $1), coalesce(u.payload::jsonb, '{}'),
    case when u.payload is null or s.run_at is not null then 'waiting' else 'pending' end::cascade.task_status,
    case when u.payload is null then 'dependency' when s.run_at is not null then 'delay' end::cascade.waiting_reason,
    case when u.payload is not null and s.run_at is null then statement_timestamp() end
  from unnest($14::int[], $15::int[], $16::text[]) with ordinality u(step, item, payload, position)
  join step s on s.position = u.step
  order by u.position
  returning id, queue, status, xid),
counted as (
  insert into cascade.counter_delta (job_id, queue, status, n)
  select $1::bigint, m.queue, m.status, count(*) from made m where m.xid = '0' group by m.queue, m.status)
select m.id from made m order by m.id
