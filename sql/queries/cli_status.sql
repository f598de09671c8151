-- Who owns the lanes, and what there is to do. Lane locks are advisory locks of class 727001.
select row_to_json(x)
from (
  select current_database() as database, current_setting('server_version') as server_version,
    (select count(distinct l.objid) from pg_catalog.pg_locks l
     where l.locktype = 'advisory' and l.classid = 727001 and l.granted
       and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())) as lanes_owned,
    (select count(*) from cascade.lane) as lanes,
    (select coalesce(json_agg(n order by n.name, n.epoch), '[]')
     from (select n.name, n.epoch, n.version, n.tags, n.started_at, count(*) as lanes
           from cascade.lane l join cascade.node n on n.epoch = l.epoch
           where n.stopped_at is null
           group by n.epoch) n) as nodes,
    (select json_build_object('waiting', coalesce(sum(q.waiting), 0), 'pending', coalesce(sum(q.pending), 0),
       'running', coalesce(sum(q.running), 0), 'completed', coalesce(sum(q.completed), 0),
       'failed', coalesce(sum(q.failed), 0), 'cancelled', coalesce(sum(q.cancelled), 0),
       'skipped', coalesce(sum(q.skipped), 0), 'quarantined', coalesce(sum(q.quarantined), 0))
     from cascade.queue_stats q) as tasks
) x
