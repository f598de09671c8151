-- $1 job, $2 reason: every unfinished task of it ends now.
update cascade.task t
set status = 'cancelled', waiting_reason = null, started_at = coalesce(t.started_at, statement_timestamp()),
  finished_at = statement_timestamp(), finished_on = cascade.today(), error = $2
where t.job_id = $1 and t.finished_on is null
