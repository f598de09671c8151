-- $1 job, $2 priority: of the job and of its unfinished tasks.
with changed as (update cascade.job j set priority = $2::smallint where j.id = $1 and j.priority <> $2::smallint)
update cascade.task t set priority = $2::smallint
where t.job_id = $1 and t.finished_on is null and t.priority <> $2::smallint
