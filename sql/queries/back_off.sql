-- Attempts that failed and have a successor, or that come back later without having counted: $1 ids, $2 attempts, $3 times of
-- the next one in microseconds since 1970, $4 errors, $5 and $6 ages of start and end, $7 epoch, $8 whether it is a snooze,
-- whose attempt is not used up. $9 those that are forgotten: they come back through the inbox. $10 as $9 of complete_tasks.
with over as (
  update cascade.task t
  set status = 'waiting', waiting_reason = case when u.snoozed then 'delay' else 'retry_backoff' end::cascade.waiting_reason,
    attempt = case when u.snoozed then u.attempt - 1 else u.attempt end, epoch = $7, error = u.error,
    progress = null, progress_text = null, run_at = cascade.instant_of(u.run_at_us), ready_at = null,
    xid = case when u.forgotten then pg_current_xact_id() else t.xid end
  from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $8::bool[], $9::bool[])
    u(id, attempt, run_at_us, error, started_us, finished_us, snoozed, forgotten)
  where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null
  returning t.id, u.attempt, u.error, u.started_us, u.finished_us, u.snoozed)
insert into cascade.attempt_log (task_id, attempt, outcome, started_at, finished_at, finished_on, epoch, error)
select o.id, o.attempt, 'failed',
  (select least(statement_timestamp(), cascade.instant_of($10))) - o.started_us * interval '1 microsecond',
  (select least(statement_timestamp(), cascade.instant_of($10))) - o.finished_us * interval '1 microsecond',
  cascade.today(), $7, o.error
from over o where not o.snoozed
