-- Every command not applied yet, columns as in read_inbox.
select 'c', c.id, c.job_id, null::smallint, null::text, null::text, null::bigint, c.queue, c.kind, null::smallint,
  null::smallint, null::int, null::text, c.task_id, null::text, null::text, null::text, null::text, null::text, null::bigint,
  null::boolean, c.argument::text
from cascade.command c where c.applied_at is null order by c.id
