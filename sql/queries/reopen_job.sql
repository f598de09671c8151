-- $1 job: another round, which its timeout gives the whole time.
update cascade.job j set status = 'running', started_at = statement_timestamp(), finished_at = null, error = null, result = null, xid = pg_current_xact_id()
where j.id = $1 and j.status in ('failed', 'cancelled')
returning j.id
