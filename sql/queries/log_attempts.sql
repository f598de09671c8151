-- $1 ids of finished tasks that will run again: their latest attempt moves to the log.
insert into cascade.attempt_log (task_id, attempt, outcome, started_at, finished_at, finished_on, epoch, result, error)
select t.id, t.attempt, case t.status when 'cancelled' then 'cancelled' when 'quarantined' then 'lost' else 'failed' end,
  t.started_at, t.finished_at, cascade.today(), t.epoch, t.result, t.error
from cascade.task t where t.id = any ($1::bigint[]) and t.attempt > 0 and t.status in ('failed', 'cancelled', 'quarantined')
on conflict do nothing
