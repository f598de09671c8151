-- Second half, with a snapshot taken after the locks: of the locked jobs, those without an unfinished task end.
-- $1 ids, $2 states (null: decided by the counters, and only once it has had a task, unless it is closed), $3 results, $4 errors,
-- $5 closed: the ids that ended, with their state.
with open as (
  select c.job_id, sum(c.n) as total, sum(c.n) filter (where c.status < 'completed') as unfinished,
    sum(c.n) filter (where c.status in ('failed', 'quarantined')) as failed
  from (
    select d.job_id, d.status, d.n from cascade.counter_delta d where d.job_id = any ($1::bigint[])
    union all
    select a.job_id, a.status, a.n from cascade.arrived() a where a.job_id = any ($1::bigint[])
    union all
    select k.job_id, 'pending'::cascade.task_status, k.waiting + k.pending + k.running
    from cascade.job_counter k where k.job_id = any ($1::bigint[])
    union all
    select k.job_id, 'failed', k.failed + k.quarantined
    from cascade.job_counter k where k.job_id = any ($1::bigint[])
    union all
    select k.job_id, 'completed', k.completed + k.cancelled + k.skipped
    from cascade.job_counter k where k.job_id = any ($1::bigint[])) c
  group by c.job_id)
update cascade.job j
set status = coalesce(u.state, case when coalesce(o.failed, 0) > 0 then 'failed' else 'completed' end)::cascade.job_status,
  started_at = coalesce(j.started_at, statement_timestamp()), finished_at = statement_timestamp(),
  result = u.result::jsonb,
  error = coalesce(u.error, case when u.state is null and coalesce(o.failed, 0) > 0
                                 then o.failed || ' of its tasks failed' end)
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::boolean[]) u(id, state, result, error, closed)
left join open o on o.job_id = u.id
where j.id = u.id and j.status < 'completed' and coalesce(o.unfinished, 0) = 0
  and (u.state is not null or u.closed or o.total > 0)
  and j.id = any (string_to_array(current_setting('cascade.locked_jobs'), ',')::bigint[])
returning j.id, j.status::text
