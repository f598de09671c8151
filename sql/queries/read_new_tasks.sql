-- What a bell for tasks alone announces: those of transactions that began after snapshot $1, which saw none in progress.
-- Parameters, columns and the last row as in read_inbox; whether any task is new is not looked at. On an idle machine what a
-- plan touches is not in the caches of the processor: the fewer tables and expressions, the sooner the answer.
(select 't', t.id, t.job_id, t.priority, t.status::text, t.waiting_reason::text, t.due_at_us, t.queue, t.handler, t.attempt,
    t.max_attempts, t.item, t.step, t.timeout_ms, t.retry, t.command, t.rate_key, t.concurrency_key, t.tenant, t.start_by_us,
    t.requires is null or t.requires <@ $3::text[], case when pg_column_size(t.payload) <= $4::int then t.payload::text end
  from cascade.engine_task t
  where t.status < 'completed' and t.xid >= pg_snapshot_xmax($1::text::pg_snapshot)
    and coalesce(t.due_at_us, 0) <= $5::bigint
  limit $2::int)
union all
select 's', null::bigint, null::bigint, null::smallint, null::text, null::text,
  (extract(epoch from clock_timestamp()) * 1000000)::bigint, null::text, null::text,
  null::smallint, null::smallint, null::int, null::text, null::bigint, null::text, null::text, null::text, null::text, null::text, null::bigint,
  true, pg_current_snapshot()::text
