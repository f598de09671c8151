-- $1 job.
update cascade.job j set status = 'running', finished_at = null, error = null, result = null, xid = pg_current_xact_id()
where j.id = $1 and j.status in ('failed', 'cancelled')
returning j.id
