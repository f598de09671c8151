-- Steps whose dependencies are settled: $1 ids, $2 payloads (null: the one in the row), $3 items.
update cascade.task t
set status = 'pending', waiting_reason = null, payload = coalesce(u.payload::jsonb, t.payload), ready_at = statement_timestamp(), xid = '0',
  item = coalesce(u.item, t.item)
from unnest($1::bigint[], $2::text[], $3::int[]) u(id, payload, item)
where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null and t.waiting_reason is not null
