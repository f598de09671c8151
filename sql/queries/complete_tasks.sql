-- Final outcomes of attempts: $1 ids, $2 attempts, $3 states, $4 microseconds since the start, $5 since the end, $6 results,
-- $7 errors, $8 epoch. Times are ages, so that only the database's clock is stored: counted back from $9, what the node
-- knows the database's clock to have shown when it sent this; null: from now.
update cascade.task t
set status = u.state::cascade.task_status, waiting_reason = null, attempt = u.attempt, epoch = $8,
  started_at = (select least(statement_timestamp(), cascade.instant_of($9))) - u.started_us * interval '1 microsecond',
  finished_at = (select least(statement_timestamp(), cascade.instant_of($9))) - u.finished_us * interval '1 microsecond',
  finished_on = cascade.today(), result = u.result::jsonb, error = u.error
from unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
  u(id, attempt, state, started_us, finished_us, result, error)
where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null
