-- $1 id, $2 at most so many: what runs now, for the display of --watch.
select row_to_json(x)
from (
  select coalesce(t.step, t.handler) as step, count(*) as running, max(t.progress) as progress,
    extract(epoch from now() - min(t.started_at))::float8 as seconds
  from cascade.tasks t
  where t.job_id = $1
    and t.status = 'running'
  group by 1
  order by min(t.started_at), 1
  limit $2
) x
