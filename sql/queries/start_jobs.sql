-- $1 ids.
update cascade.job j set status = 'running', started_at = coalesce(j.started_at, statement_timestamp())
where j.id = any ($1::bigint[]) and j.status = 'pending'
