-- $1 names, $2 next ticks (null: none), $3 handled to (null: as it is), $4 problems (null: none); times in microseconds since
-- 1970. Writes what changes, and passes over what somebody is changing: that is loaded anew once he is done.
update cascade.schedule s
set next_tick = u.next_tick, handled_to = u.handled_to, problem = u.problem
from (
  select l.name, cascade.instant_of(g.next_tick) as next_tick,
    greatest(l.handled_to, cascade.instant_of(g.handled_to)) as handled_to, g.problem
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) as g (name, next_tick, handled_to, problem)
  join (select x.name, x.handled_to from cascade.schedule x where x.name = any ($1::text[])
        order by x.name for no key update skip locked) l on l.name = g.name) u
where s.name = u.name and (s.next_tick, s.handled_to, s.problem) is distinct from (u.next_tick, u.handled_to, u.problem)
