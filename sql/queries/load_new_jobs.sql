-- Jobs and commands new since snapshot $1, for pages that overflow read_inbox.
select 'j', j.id, null::bigint, j.priority, j.status::text, null::text, null::bigint, j.workflow, null::text, null::smallint,
  null::smallint, j.version, null::text, null::bigint, null::text, null::text, j.keep_open, j.input::text
from cascade.job j
where j.status < 'completed' and (j.xid >= pg_snapshot_xmax($1::text::pg_snapshot)
  or j.xid = any (array(select pg_snapshot_xip($1::text::pg_snapshot))))
union all
select 'c', c.id, c.job_id, null, null, null, null, c.queue, c.kind, null, null, null, null, c.task_id, null, null, null,
  c.argument::text
from cascade.command c
where c.applied_at is null and (c.xid >= pg_snapshot_xmax($1::text::pg_snapshot)
  or c.xid = any (array(select pg_snapshot_xip($1::text::pg_snapshot))))
