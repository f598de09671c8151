-- $1 schedule, $2 tick in microseconds since 1970 -> what became of it: cascade.fire_tick.
select cascade.fire_tick($1, cascade.instant_of($2))
