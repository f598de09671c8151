-- $1 job: what its actor starts from, columns as in read_inbox.
select 'j', j.id, null::bigint, j.priority, j.status::text, null::text, null::bigint, j.workflow, null::text, null::smallint,
  null::smallint, j.version, null::text, null::bigint, null::text, null::text, j.keep_open, j.input::text
from cascade.job j where j.id = $1
