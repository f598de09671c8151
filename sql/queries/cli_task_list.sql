-- $1 queue or null, $2 status or null, $3 job or null, $4 limit. Newest first.
select row_to_json(x)
from (
  select t.id, t.job_id, t.step, t.queue, t.handler, t.status, t.waiting_reason, t.priority, t.attempt, t.max_attempts,
    t.node, t.run_at, t.created_at, t.started_at, t.finished_at, t.error
  from cascade.tasks t
  where ($1::text is null or t.queue = $1)
    and ($2::text is null or t.status = $2::cascade.task_status)
    and ($3::int8 is null or t.job_id = $3)
  order by t.id desc
  limit $4
) x
