-- Tasks whose node was lost while they ran, but for those still running here ($1): their attempt is charged. After the
-- third loss a task is quarantined; with no attempt left it fails. $2 how many losses quarantine.
with lost as (
  update cascade.task t
  set status = (case when t.owner_losses + 1 >= $2::int then 'quarantined'
                     when t.attempt >= t.max_attempts then 'failed' else 'pending' end)::cascade.task_status,
    owner_losses = t.owner_losses + 1, ready_at = now(),
    finished_at = case when t.owner_losses + 1 >= $2::int or t.attempt >= t.max_attempts then now() end,
    finished_on = case when t.owner_losses + 1 >= $2::int or t.attempt >= t.max_attempts then cascade.today() end,
    error = 'the node that ran it was lost'
  where t.finished_on is null and t.status = 'running' and t.id <> all ($1::bigint[])
  returning t.id, t.attempt, t.started_at, t.epoch, t.status)
insert into cascade.attempt_log (task_id, attempt, outcome, started_at, finished_at, finished_on, epoch, error)
select l.id, l.attempt, 'lost', l.started_at, now(), cascade.today(), l.epoch, 'the node that ran it was lost' from lost l
where l.status = 'pending'
