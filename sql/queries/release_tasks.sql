-- Steps whose dependencies are settled: $1 ids, $2 payloads (null: the one in the row), $3 items, $4 microseconds to wait, or
-- $5 until when, since 1970; null: not at all. Those that wait come back through the inbox.
update cascade.task t
set status = case when u.run_at is null then 'pending' else 'waiting' end::cascade.task_status,
  waiting_reason = case when u.run_at is not null then 'delay' end::cascade.waiting_reason,
  payload = coalesce(u.payload::jsonb, t.payload), run_at = coalesce(u.run_at, statement_timestamp()),
  ready_at = case when u.run_at is null then statement_timestamp() end,
  xid = case when u.run_at is null then '0' else pg_current_xact_id() end, item = coalesce(u.item, t.item)
from (
  select r.id, r.payload, r.item, coalesce(cascade.instant_of(r.until_us),
                                           statement_timestamp() + r.wait_us * interval '1 microsecond') as run_at
  from unnest($1::bigint[], $2::text[], $3::int[], $4::bigint[], $5::bigint[]) r(id, payload, item, wait_us, until_us)) u
where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null and t.waiting_reason is not null
