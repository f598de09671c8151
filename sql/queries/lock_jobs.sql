-- First half of finishing jobs ($1): locks those that no open transaction is adding tasks to, and remembers which.
select set_config('cascade.locked_jobs', coalesce((
  select string_agg(l.id::text, ',') from (
    select j.id from cascade.job j where j.id = any ($1::bigint[]) and j.status < 'completed'
    order by j.id for update skip locked) l), ''), true)
