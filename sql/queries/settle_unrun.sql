-- Tasks that end without an attempt: $1 ids, $2 states, $3 errors, $4 results.
update cascade.task t
set status = u.state::cascade.task_status, waiting_reason = null, started_at = coalesce(t.started_at, statement_timestamp()),
  finished_at = statement_timestamp(), finished_on = cascade.today(), error = u.error, result = u.result::jsonb
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) u(id, state, error, result)
where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null
