select row_to_json(x)
from (
  select s.name, coalesce(s.cron, 'every ' || s.every) as times, s.time_zone, coalesce(s.workflow, s.handler) as runs,
    case when s.paused then 'paused' when s.problem is not null then 'problem' else 'active' end as state,
    s.next_tick, s.last_tick, s.last_outcome, s.last_job, s.last_status, s.problem
  from cascade.schedules s
  order by s.name
) x
