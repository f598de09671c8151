-- Attempts that failed and have a successor: $1 ids, $2 attempts, $3 delays in microseconds, $4 errors, $5 and $6 ages of
-- start and end, $7 epoch. Those that wait longer than $8 microseconds come back through the inbox.
with failed as (
  update cascade.task t
  set status = 'waiting', waiting_reason = 'retry_backoff', attempt = u.attempt, epoch = $7, error = u.error,
    run_at = statement_timestamp() + u.delay_us * interval '1 microsecond', ready_at = null,
    xid = case when u.delay_us > $8::bigint then pg_current_xact_id() else t.xid end
  from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
    u(id, attempt, delay_us, error, started_us, finished_us)
  where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null
  returning t.id, u.attempt, u.error, u.started_us, u.finished_us)
insert into cascade.attempt_log (task_id, attempt, outcome, started_at, finished_at, finished_on, epoch, error)
select f.id, f.attempt, 'failed', statement_timestamp() - f.started_us * interval '1 microsecond',
  statement_timestamp() - f.finished_us * interval '1 microsecond', cascade.today(), $7, f.error
from failed f
