-- Falling asleep: (group, got). Fails for groups that an open inserting transaction has seen awake.
select g.bell, pg_try_advisory_lock(727002, g.bell) from generate_series(0, 15) g(bell)
