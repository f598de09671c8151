-- $1 groups held.
select pg_advisory_unlock(727002, g.bell) from unnest($1::int[]) g(bell)
