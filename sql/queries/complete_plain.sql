-- complete_tasks for the common case: success without a result. $1 ids, $2 attempts, $3 and $4 ages as there, $5 epoch, $6 as $9
-- there.
update cascade.task t
set status = 'completed', waiting_reason = null, attempt = u.attempt, epoch = $5,
  started_at = (select least(statement_timestamp(), cascade.instant_of($6))) - u.started_us * interval '1 microsecond',
  finished_at = (select least(statement_timestamp(), cascade.instant_of($6))) - u.finished_us * interval '1 microsecond',
  finished_on = cascade.today(), error = null
from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[]) u(id, attempt, started_us, finished_us)
where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null
