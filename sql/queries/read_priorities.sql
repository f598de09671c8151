-- Changes of priority that are new since snapshot $1, a page of $4 behind id $3, up to snapshot $2 (null: now). One row at
-- least, which tells that snapshot; id null: there is no change. What the task has; null: it has finished.
select s.now::text, c.id, c.task_id, coalesce(c.job_id, t.job_id), c.priority, c.at_least, t.priority,
  (extract(epoch from clock_timestamp() - c.created_at) * 1000)::bigint as age_ms
from (select coalesce($2::text::pg_snapshot, pg_current_snapshot()) as now) s
left join lateral (
  select x.* from cascade.priority_change x
  where (x.xid >= pg_snapshot_xmax($1::text::pg_snapshot) or x.xid = any (array(select pg_snapshot_xip($1::text::pg_snapshot))))
    and pg_visible_in_snapshot(x.xid, s.now) and x.id > $3::bigint
  order by x.id limit $4::int) c on true
left join cascade.task_unfinished t on t.id = c.task_id
order by c.id
