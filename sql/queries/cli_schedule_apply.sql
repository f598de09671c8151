-- $1 schedules as in cascade.schedule, a JSON list; what is missing has its default, but whether it is paused stays.
-- One row a schedule: name, change (created, changed, unchanged), the workflow if there is none of that name. All in one
-- statement; rows that are right already stay as they are.
with given as (
  select g.n, s.name, s.cron, s.every, coalesce(s.time_zone, 'UTC') as time_zone, s.workflow, s.handler,
    coalesce(s.input, '{}') as input, s.tick_parameter, s.queue, s.tenant, coalesce(s.priority, 50::smallint) as priority,
    coalesce(s.overlap, 'allow') as overlap, coalesce(s.catch_up, 'last') as catch_up,
    coalesce(s.catch_up_max, 10) as catch_up_max, coalesce(s.jitter, interval '0') as jitter, s.starts_at, s.ends_at, s.paused
  from jsonb_array_elements($1) with ordinality as g (one, n)
  cross join lateral jsonb_populate_record(null::cascade.schedule, g.one) s),
created as (
  insert into cascade.schedule (name, cron, every, time_zone, workflow, handler, input, tick_parameter, queue, tenant, priority,
    overlap, catch_up, catch_up_max, jitter, starts_at, ends_at, paused)
  select g.name, g.cron, g.every, g.time_zone, g.workflow, g.handler, g.input, g.tick_parameter, g.queue, g.tenant, g.priority,
    g.overlap, g.catch_up, g.catch_up_max, g.jitter, g.starts_at, g.ends_at, coalesce(g.paused, false)
  from given g
  where not exists (select from cascade.schedule s where s.name = g.name)
  returning name),
changed as (
  update cascade.schedule s
  set cron = g.cron, every = g.every, time_zone = g.time_zone, workflow = g.workflow, handler = g.handler, input = g.input,
    tick_parameter = g.tick_parameter, queue = g.queue, tenant = g.tenant, priority = g.priority, overlap = g.overlap,
    catch_up = g.catch_up, catch_up_max = g.catch_up_max, jitter = g.jitter, starts_at = g.starts_at, ends_at = g.ends_at,
    paused = coalesce(g.paused, s.paused)
  from given g
  where s.name = g.name
    and (s.cron, s.every, s.time_zone, s.workflow, s.handler, s.input, s.tick_parameter, s.queue, s.tenant, s.priority,
         s.overlap, s.catch_up, s.catch_up_max, s.jitter, s.starts_at, s.ends_at, s.paused)
      is distinct from
        (g.cron, g.every, g.time_zone, g.workflow, g.handler, g.input, g.tick_parameter, g.queue, g.tenant, g.priority,
         g.overlap, g.catch_up, g.catch_up_max, g.jitter, g.starts_at, g.ends_at, coalesce(g.paused, s.paused))
  returning s.name)
select row_to_json(x)
from (
  select g.name,
    case when c.name is not null then 'created' when u.name is not null then 'changed' else 'unchanged' end as change,
    case when not exists (select from cascade.workflow w where w.name = g.workflow) then g.workflow end as missing_workflow
  from given g
  left join created c using (name)
  left join changed u using (name)
  order by g.n
) x
