-- $1 job: what its actor starts from, columns as in read_inbox.
select 'j', j.id, null::bigint, j.priority, j.status::text, null::text,
  (extract(epoch from j.started_at) * 1000000)::bigint, j.workflow, null::text, j.concurrency, null::smallint, j.version,
  null::text, (extract(epoch from j.timeout) * 1000)::bigint, null::text, null::text, null::text, null::text, j.tenant, null::bigint, j.keep_open,
  j.input::text
from cascade.job j where j.id = $1
