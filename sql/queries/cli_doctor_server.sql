-- Everything the checks of the doctor need from the server, at one moment. Works without the schema.
select row_to_json(x)
from (
  select current_setting('server_version') as version, current_setting('server_version_num')::int as version_num,
    current_user as "user", current_database() as database, pg_catalog.pg_backend_pid() as backend_pid,
    pg_catalog.pg_is_in_recovery() as in_recovery,
    extract(epoch from clock_timestamp())::float8 as clock,
    current_setting('synchronous_commit') as synchronous_commit, current_setting('fsync') as fsync,
    current_setting('full_page_writes') as full_page_writes, current_setting('autovacuum') as autovacuum,
    current_setting('max_connections')::int as max_connections,
    current_setting('superuser_reserved_connections')::int as reserved_connections,
    (select count(*) from pg_catalog.pg_stat_activity a where a.backend_type = 'client backend') as connections,
    (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) as superuser,
    (select r.rolcreaterole from pg_catalog.pg_roles r where r.rolname = current_user) as createrole,
    pg_catalog.has_database_privilege(current_database(), 'create') as may_create,
    (select coalesce(json_agg(r.rolname order by r.rolname), '[]') from pg_catalog.pg_roles r
     where r.rolname in ('cascade_owner', 'cascade_engine', 'cascade_producer', 'cascade_reader')) as roles,
    (select coalesce(bool_or(pg_catalog.pg_has_role(current_user, r.oid, 'member')), false)
     from pg_catalog.pg_roles r where r.rolname = 'cascade_engine') as may_be_engine,
    (select coalesce(bool_or(pg_catalog.pg_has_role(current_user, r.oid, 'member')), false)
     from pg_catalog.pg_roles r where r.rolname = 'cascade_producer') as may_push,
    (select coalesce(bool_or(pg_catalog.pg_has_role(current_user, r.oid, 'member')), false)
     from pg_catalog.pg_roles r where r.rolname = 'cascade_reader') as may_read,
    exists (select from pg_catalog.pg_namespace n where n.nspname = 'cascade') as has_schema
) x
