-- $1 ids, $2 attempts, $3 microseconds since the start, $4 epoch, $5 as $9 of complete_tasks.
update cascade.task t
set status = 'running', waiting_reason = null, attempt = u.attempt, epoch = $4,
  started_at = (select least(statement_timestamp(), cascade.instant_of($5))) - u.started_us * interval '1 microsecond'
from unnest($1::bigint[], $2::smallint[], $3::bigint[]) u(id, attempt, started_us)
where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null
