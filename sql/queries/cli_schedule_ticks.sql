-- $1 name, $2 outcome or null, $3 limit. Newest first.
select row_to_json(x)
from (
  select t.tick, t.outcome, t.job_id, t.status, t.fired_at, t.started_at, t.finished_at, t.error
  from cascade.schedule_ticks t
  where t.schedule = $1 and ($2::text is null or t.outcome = $2)
  order by t.tick desc
  limit $3
) x
