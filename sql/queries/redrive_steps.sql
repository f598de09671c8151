-- $1 ids: finished steps that wait for others again, for another round of their job.
update cascade.task t
set status = 'waiting', waiting_reason = 'dependency', xid = '0', finished_at = null, finished_on = null, started_at = null, ready_at = null,
  error = null, result = null, owner_losses = 0, max_attempts = least(32767, greatest(t.max_attempts, t.attempt + 1))
where t.id = any ($1::bigint[]) and t.status in ('failed', 'cancelled', 'skipped', 'quarantined')
