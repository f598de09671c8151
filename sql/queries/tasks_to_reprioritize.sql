-- $1 jobs, $2 their priorities, $3 rows at most: unfinished tasks of them that have another one.
select t.id, t.job_id, u.priority
from unnest($1::bigint[], $2::smallint[]) u(job_id, priority)
join cascade.task_unfinished t on t.job_id = u.job_id and t.priority <> u.priority
limit $3::int
