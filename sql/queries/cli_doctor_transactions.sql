-- Who keeps dead rows from being cleaned: transactions and snapshots older than a minute, prepared ones, slots.
select row_to_json(x)
from (
  select 'session ' || a.pid as holder, a.usename as "user", a.application_name as application, a.state,
    extract(epoch from now() - a.xact_start)::float8 as seconds
  from pg_catalog.pg_stat_activity a
  where a.backend_type = 'client backend'
    and a.pid <> pg_catalog.pg_backend_pid()
    and a.xact_start < now() - interval '1 minute'
  union all
  select 'prepared transaction ' || p.gid, p.owner, null, 'prepared', extract(epoch from now() - p.prepared)::float8
  from pg_catalog.pg_prepared_xacts p
  where p.prepared < now() - interval '1 minute'
  union all
  select 'replication slot ' || s.slot_name, null, null, case when s.active then 'active' else 'not in use' end, null
  from pg_catalog.pg_replication_slots s
  where not s.active
  order by seconds desc nulls last
  limit 20
) x
