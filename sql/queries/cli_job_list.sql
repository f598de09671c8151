-- $1 status or null, $2 workflow or null, $3 limit. Newest first.
select row_to_json(x)
from (
  select j.id, j.workflow, j.version, j.status, j.priority, j.created_at, j.started_at, j.finished_at, j.error,
    j.waiting, j.pending, j.running, j.completed, j.failed, j.cancelled, j.skipped, j.quarantined
  from cascade.jobs j
  where ($1::text is null or j.status = $1::cascade.job_status)
    and ($2::text is null or j.workflow = $2)
  order by j.id desc
  limit $3
) x
