-- $1 id: what changes while a job runs, read again and again by --wait.
select row_to_json(x)
from (
  select j.id, j.workflow, j.status, j.error, j.waiting, j.pending, j.running, j.completed, j.failed, j.cancelled,
    j.skipped, j.quarantined, extract(epoch from coalesce(j.finished_at, now()) - j.created_at)::float8 as seconds
  from cascade.jobs j
  where j.id = $1
) x
