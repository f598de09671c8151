-- Start and takeover: the snapshot from which the inbox goes on, and the database's time in microseconds since 1970.
select pg_current_snapshot()::text, (extract(epoch from clock_timestamp()) * 1000000)::bigint
