-- $1 task id.
select row_to_json(x)
from (
  select a.attempt, a.outcome, a.started_at, a.finished_at, a.node, a.error
  from cascade.attempts a
  where a.task_id = $1
  order by a.attempt
) x
