-- $1 ids: failed, cancelled and quarantined tasks get another round: as new rows for the inbox. Not one whose unique_key another
-- task has by now.
update cascade.task t
set status = 'pending', waiting_reason = null, xid = cascade.announce(), finished_at = null, finished_on = null, started_at = null,
  ready_at = statement_timestamp(), run_at = least(t.run_at, statement_timestamp()), owner_losses = 0, error = null,
  result = null, max_attempts = least(32767, greatest(t.max_attempts, t.attempt + 1))
where t.id = any ($1::bigint[]) and t.status in ('failed', 'cancelled', 'quarantined')
  and (t.unique_key is null or not cascade.key_is_taken(t.id, t.unique_key, t.unique_for, t.created_at))
returning t.id
