-- Start and takeover: the snapshot from which the inbox goes on.
select pg_current_snapshot()::text
