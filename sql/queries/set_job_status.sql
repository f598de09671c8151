-- $1 job, $2 state: paused and back.
update cascade.job j set status = $2::text::cascade.job_status where j.id = $1 and j.status in ('pending', 'running', 'paused')
