-- $1 id, $2 limit: its tasks, in the order in which they were made.
select row_to_json(x)
from (
  select t.id, t.step, t.item, t.handler, t.status, t.waiting_reason, t.attempt, t.progress, t.node,
    extract(epoch from t.finished_at - t.started_at)::float8 as seconds, t.error
  from cascade.tasks t
  where t.job_id = $1
  order by t.id
  limit $2
) x
