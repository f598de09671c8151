-- $1 ids: steps that go back to waiting for others.
update cascade.task t
set status = 'waiting', waiting_reason = 'dependency', finished_at = null, started_at = null, ready_at = null, error = null,
  result = null
where t.id = any ($1::bigint[]) and t.status = 'skipped'
